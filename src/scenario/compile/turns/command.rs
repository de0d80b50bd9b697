//! Compilation of programs and their arguments, of a role or of a `run` turn.

use crate::scenario::raw::{Node, Value};
use crate::scenario::template::Template;

use super::super::context::Context;
use super::super::options::CommandStart;
use super::super::role_context::CommandContext;
use super::super::trace::Trace;

/// Compiles a program and its arguments, and checks that the program can be started if it is known.
pub fn command(
    context: &Context<'_>,
    node: &Node,
    commands: &CommandContext,
) -> Option<Vec<Template>> {
    let Value::List(list) = &node.value else {
        let words = match &node.value {
            Value::Text(text) => text.split_whitespace().collect::<Vec<_>>().join(", "),
            _ => "program, argument".into(),
        };
        let help = format!("write the program and each argument as an element: [{words}]");
        context.error(
            &node.span,
            "a command is a list, not a shell command line",
            Some(help),
        );
        return None;
    };
    let Some(program) = list.first() else {
        let help = Some("write [program, argument, …]".to_owned());
        context.error(&node.span, "no program is named", help);
        return None;
    };
    let (argv, trace): (Vec<Template>, Vec<Trace>) = context.traced(|| {
        list.iter()
            .filter_map(|word| context.template(word))
            .collect()
    });
    for trace in trace {
        context.note(match trace {
            Trace::Use {
                name,
                span,
                is_optional,
            } => Trace::ArgumentUse {
                name,
                span,
                is_optional,
            },
            other => other,
        });
    }
    context.word(program, "the program's name")?;
    if argv.len() == list.len() {
        check_start(context, list, &argv, commands);
    }
    (argv.len() == list.len()).then_some(argv)
}

/// Checks that a command can be started, as far as its words are known.
fn check_start(context: &Context<'_>, list: &[Node], argv: &[Template], commands: &CommandContext) {
    let known: Vec<String> = argv.iter().map_while(|it| context.known(it)).collect();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let (Some(find), Some(&name)) = (context.options.find_program, known.first()) else {
        return;
    };
    let start = |words| {
        find(CommandStart {
            words,
            directory: commands.directory.as_deref(),
            has_own_path: commands.has_own_path,
        })
    };
    if let Err(reason) = start(&known[..1]) {
        let help = "programs are looked for beside the scenario, in the directory given with \
                    --scripts, beside rehearsal itself, then on PATH";
        let message = format!("the program `{name}` cannot be started: {reason}");
        context.error(&list[0].span, context.masked(&message), Some(help.into()));
    } else if let Some(script) = known.iter().skip(1).position(|word| !word.starts_with('-'))
        && let Err(reason) = start(&known)
    {
        let help = "scripts are looked for beside the scenario, in the directory given with \
                    --scripts, and where the program runs";
        context.error(
            &list[1 + script].span,
            context.masked(&reason),
            Some(help.into()),
        );
    }
}
