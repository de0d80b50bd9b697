//! Lists on screens: `choose` in real programs, by few flows at once, also with output that comes in
//! single bytes and on a bigger screen; and its failures.

use crate::screens::{assert_says, failure, is_there, on_big_screen, sandbox, search_path, shell};
use crate::support::running::Finished;

/// Runs 5 flows of a scenario as it is, and 5 on a bigger screen with the output in single bytes.
fn drive_lists(scenario: &str, files: &[(&str, &str)]) {
    for (scenario, faults) in [
        (scenario, None),
        (&on_big_screen(scenario), Some("bytewise 100%")),
    ] {
        let sandbox = sandbox(scenario);
        for (name, text) in files {
            sandbox.write(name, text);
        }
        let line = "run scenario.yaml --json --flows 5 --parallel 5 --timeout 60s";
        let mut command = sandbox.command(line);
        if let Some(faults) = faults {
            command.args(["--chaos", faults]);
        }
        Finished::of(command.env("PATH", search_path())).assert_code(0);
        assert!(sandbox.processes().is_empty(), "{:?}", sandbox.processes());
    }
}

/// Declares a test for each program with lists: a command that succeeds where it is there, a shell
/// script, and the turns.
macro_rules! lists {
    ($($name:ident: $there:expr, $script:expr, [$($turn:expr),* $(,)?];)*) => {
        $(
            #[test]
            fn $name() {
                if is_there(&$there) {
                    let turns = [$($turn),*].map(|turn| format!("        - {turn}\n"));
                    drive_lists(&shell($script, turns.concat().trim_end()), &[
                        ("lists.py", LISTS),
                    ]);
                }
            }
        )*
    };
}

/// Lists of prompt_toolkit, and menus with numbers and letters that curses draws.
const LISTS: &str = r#"
import curses, sys
kind = sys.argv[1]
drinks = ["Red wine", "Green tea", "Black coffee", "Water"]

def menu(screen):
    names, keys = ["New order", "Old orders", "Quit"], "123" if kind == "numbers" else "NOQ"
    screen.addstr(1, 2, "MAIN MENU")
    for row, (key, name) in enumerate(zip(keys, names)):
        screen.addstr(3 + row, 4, f"{key}. {name}" if kind == "numbers" else f"[{key}] {name}")
    screen.addstr(8, 2, "Your choice: ")
    chosen = ""
    while not chosen or chosen not in keys:
        chosen = chr(screen.getch()).upper()
    screen.erase()
    screen.addstr(1, 2, "CHOSE " + names[keys.index(chosen)])
    screen.getch()

if kind in ("numbers", "letters"):
    curses.wrapper(menu)
else:
    from prompt_toolkit.shortcuts import checkboxlist_dialog, radiolist_dialog
    many = [f"Drink {number}" for number in range(60)]
    names = {"radio": drinks, "check": drinks, "long": many, "long-check": many, "one": drinks[:1]}[kind]
    values = [(name, name) for name in names]
    dialog = checkboxlist_dialog if kind.endswith("check") else radiolist_dialog
    print("got", dialog(title="Drinks", text="Pick", values=values).run())
"#;

const HTOP: &str = "HOME=$PWD exec htop";
const NCDU: &str = "mkdir -p n/alpha n/beta n/gamma; head -c 30000 /dev/zero >n/beta/x; echo hi >n/gamma/small; \
                    exec ncdu -x n";
const TIG: &str = "d=$(mktemp -d); cd $d; export HOME=$d; git init -q .; for m in First Second Third; do \
                   git -c user.name=A -c user.email=a@b commit -q --allow-empty -m \"$m commit\"; done; tig; \
                   rm -rf $d";
const MC: &str = "d=$(mktemp -d); cd $d; export HOME=$d; mkdir alpha beta gamma; mc -u; rm -rf $d";
// Without frames, only their ground sets menus apart from the panels behind them.
const MC_WITHOUT_FRAMES: &str =
    "d=$(mktemp -d); cd $d; export HOME=$d; mkdir alpha beta gamma; mc -s -u; rm -rf $d";
const MUTT: &str = "d=$(mktemp -d); cd $d; export HOME=$d; mkdir Mail; : >rc; for it in First Second Third; do \
                    printf 'From a@b Mon Jan  1 00:00:00 2024\\nFrom: a@b\\nSubject: %s offer\\n\\nHello from %s\\n\\n' \
                    $it $it; done >box; mutt -n -F rc -f box; rm -rf $d";
const FZF: &str =
    "printf 'Red wine\\nGreen tea\\nBlack coffee\\nWater\\n' >drinks$$; echo got $(fzf <drinks$$)";
const FRUIT: &str = "$(for it in 1 2 3 4 5 6 7 8 9 10 11 12; do echo $it Fruit-$it off; done)";

lists! {
    rows_of_a_tree_of_dialog: ["dialog", "--version"], "dialog --treeview Tree 15 50 8 a Apples off 0 b Bananas off 1 \
                               c Cherries on 2 d Dates off 1 2>out; clear; echo got $(cat out)", [
        "{screen: Tree, choose: Dates}",
        "see: got d",
        "exits: 0",
    ];
    a_panel_of_htop: ["htop", "--version"], HTOP, [
        "{screen: F6, press: f6}",
        "{screen: Sort by, choose: TIME}",
        "{screen: F6, press: q}",
        "exits: 0",
    ];
    directories_of_ncdu: ["ncdu", "-v"], NCDU, [
        "{screen: beta, choose: gamma}",
        "{screen: small, press: q}",
        "exits: 0",
    ];
    commits_of_tig: ["tig", "--version"], TIG, [
        "{screen: First commit, choose: Second commit}",
        "{screen: '/commit [0-9a-f]{40}/', press: Q}",
        "exits: 0",
    ];
    files_and_menus_of_mc: ["mc", "--version"], MC, [
        "{screen: gamma, choose: /beta}",
        "{screen: /beta, press: f9}",
        "{screen: Left, still: true, choose: Command}",
        "{screen: Find file, choose: Find file}",
        "{screen: Start at, press: [escape, escape]}",
        "{screen: Help, still: true, press: f10}",
        "exits: 0",
    ];
    menus_of_mc_without_frames: ["mc", "--version"], MC_WITHOUT_FRAMES, [
        "{screen: gamma, press: f9}",
        "{screen: Left, still: true, choose: Command}",
        "{screen: Find file, choose: Find file}",
        "{screen: Start at, press: [escape, escape]}",
        "{screen: Help, still: true, press: f10}",
        "exits: 0",
    ];
    // Its rows have columns in brackets.
    messages_of_mutt: ["mutt", "-v"], MUTT, [
        "{screen: Third offer, choose: Second offer}",
        "{screen: Hello from Second, press: q}",
        "{screen: Third offer, press: q}",
        "exits: 0",
    ];
    rows_of_fzf: ["fzf", "--version"], FZF, [
        "{screen: Water, choose: Black coffee}",
        "see: got Black coffee",
        "exits: 0",
    ];
    a_radio_list_of_prompt_toolkit: ["python3", "-c", "import questionary"], "exec python3 lists.py radio", [
        "{screen: Pick, choose: Black coffee}",
        "{screen: Ok, still: true, choose: Ok}",
        "see: got Black coffee",
        "exits: 0",
    ];
    a_long_radio_list_of_prompt_toolkit: ["python3", "-c", "import questionary"], "exec python3 lists.py long", [
        "{screen: Pick, choose: Drink 41}",
        "{screen: Ok, still: true, choose: Ok}",
        "see: got Drink 41",
        "exits: 0",
    ];
    a_radio_list_of_one_row_of_prompt_toolkit: ["python3", "-c", "import questionary"], "exec python3 lists.py one", [
        "{screen: Pick, choose: Red wine}",
        "{screen: Ok, still: true, choose: Ok}",
        "see: got Red wine",
        "exits: 0",
    ];
    // Enter marks the lit row there, or removes its mark, and leaves the list.
    a_check_list_of_prompt_toolkit: ["python3", "-c", "import questionary"], "exec python3 lists.py check", [
        "{screen: Pick, choose: [Red wine, Black coffee]}",
        "{screen: Ok, still: true, choose: Ok}",
        "see: \"got ['Red wine', 'Black coffee']\"",
        "exits: 0",
    ];
    a_row_of_a_check_list_of_prompt_toolkit: ["python3", "-c", "import questionary"], "exec python3 lists.py check", [
        "{screen: Pick, choose: Green tea}",
        "{screen: Ok, still: true, choose: Ok}",
        "see: \"got ['Green tea']\"",
        "exits: 0",
    ];
    a_long_check_list_of_prompt_toolkit: ["python3", "-c", "import questionary"], "exec python3 lists.py long-check", [
        "{screen: Pick, choose: [Drink 3, Drink 27]}",
        "{screen: Ok, still: true, choose: Ok}",
        // In the order in which they were marked last.
        "see: \"/got ..Drink (3', 'Drink 27|27', 'Drink 3)'/\"",
        "exits: 0",
    ];
    a_frame_after_a_check_list: ["whiptail", "--version"],
        "whiptail --checklist Pick 15 50 4 a Apple off b Banana off 2>got$$; \
         printf '\\033[2J\\033[HSAVING'; printf '\\033[2J\\033[HDONE'; cat got$$; exec cat", [
        "{screen: Pick, choose: [Banana]}",
        "{screen: SAVING}",
        "{screen: DONE, press: ctrl-d}",
        "exits: 0",
    ];
    a_menu_with_numbers: ["python3", "-c", "import curses"], "exec python3 lists.py numbers", [
        "{screen: MAIN MENU, choose: Old orders}",
        "{screen: CHOSE Old orders, press: q}",
        "exits: 0",
    ];
    a_menu_with_letters: ["python3", "-c", "import curses"], "exec python3 lists.py letters", [
        "{screen: MAIN MENU, choose: Old orders}",
        "{screen: CHOSE Old orders, press: q}",
        "exits: 0",
    ];
    a_printed_menu: ["true"],
        "printf '1) New order\\n2) Old orders\\nYour choice: '; read -r c; echo CHOSE $c", [
        "{screen: 'Your choice:', choose: Old orders}",
        "see: CHOSE 2",
        "exits: 0",
    ];
    a_list_of_one_row_of_whiptail: ["whiptail", "--version"],
        "whiptail --menu Pick 15 50 4 a Apple 2>got$$; echo got $(cat got$$)", [
        "{screen: Pick, choose: Apple}",
        "see: got a",
        "exits: 0",
    ];
    a_list_of_one_row_of_dialog: ["dialog", "--version"],
        "dialog --checklist Pick 15 50 4 a Apple off 2>got$$; echo got $(cat got$$)", [
        "{screen: Pick, choose: [Apple]}",
        "see: got a",
        "exits: 0",
    ];
    a_check_list_that_scrolls: ["whiptail", "--version"],
        &format!("whiptail --checklist Pick 12 40 4 {FRUIT} 2>got$$; echo got $(cat got$$)"), [
        "{screen: Pick, choose: [Fruit-2, Fruit-11]}",
        "see: 'got \"2\" \"11\"'",
        "exits: 0",
    ];
}

#[test]
fn two_rows_of_a_radio_list_cannot_be_chosen() {
    for program in ["whiptail", "dialog"] {
        if !is_there(&[program, "--version"]) {
            continue;
        }
        let script =
            format!("{program} --radiolist Pick 15 50 4 a Apple on b Banana off c Cherry off");
        let turns = "        - {screen: Pick, choose: [Banana, Cherry]}";
        let texts = [
            "Banana` lost its mark when",
            "Cherry` was marked",
            "(*) c",
            "┌─",
        ];
        assert_says(&failure(&shell(&script, turns)), "not_taken", &texts);
    }
}

#[test]
fn a_label_that_is_on_no_button_or_on_several_rows_fails_with_the_labels() {
    if !is_there(&["whiptail", "--version"]) {
        return;
    }
    let many = "$(for it in 01 02 03 04 05 06 07 08 09 10 11 12 13 14 15 16 17 18 19 20 21 22 23; do \
                echo $it Pear-$it; done)";
    let menu = format!("whiptail --menu Pick 20 50 12 {many}");
    for (script, label, kind, texts) in [
        (
            "whiptail --yesno Pick 8 40",
            "Maybe",
            "row_not_found",
            ["`Maybe`", "`Yes`, `No`", "┌─"],
        ),
        (
            &menu,
            "Fig",
            "row_not_found",
            ["`Fig` is not in the list", "and 3 more", "┌─"],
        ),
        (
            &menu,
            "Pear",
            "ambiguous_row",
            ["several rows fit `Pear`", "and 3 more", "┌─"],
        ),
    ] {
        let turns = format!("        - {{screen: Pick, choose: {label}}}");
        assert_says(&failure(&shell(script, &turns)), kind, &texts);
    }
}
