use super::super::scope::Scope;
use super::*;

fn scope() -> Scope {
    let mut scope = Scope::default();
    for (name, value) in [
        ("order_id", "ORD-1.5"),
        ("amount_due", "120.00"),
        ("total", "120.0"),
        ("count", "007"),
        ("flow.number", "42"),
        ("customers.name", "Ann"),
        ("premium", "no"),
    ] {
        scope.set(name, value);
    }
    scope
}

#[track_caller]
fn renders(source: &str, expected: &str) {
    let template = Template::parse(source).unwrap();
    assert_eq!(template.render(&scope()).unwrap(), expected, "{source}");
}

#[track_caller]
fn fails(source: &str, expected: &str) {
    let error = Template::parse(source)
        .unwrap()
        .render(&scope())
        .unwrap_err();
    assert_eq!(error.to_string(), expected, "{source}");
}

#[test]
fn placeholders_are_replaced_by_values() {
    renders("", "");
    renders("007", "007");
    renders("Order ${order_id}!", "Order ORD-1.5!");
    renders("${ order_id }${count}", "ORD-1.5007");
    renders("${flow.number}-${customers.name}", "42-Ann");
}

#[test]
fn other_text_is_not_a_placeholder() {
    renders("$5 {x} $", "$5 {x} $");
    renders("$${order_id}", "${order_id}");
    renders("a$${b}$${c}", "a${b}${c}");
    renders("${count}$${count}", "007${count}");
    assert_eq!(Template::parse("$${x}").unwrap().fixed(), Some("${x}"));
    assert_eq!(Template::parse("").unwrap().fixed(), Some(""));
    assert_eq!(Template::parse("${count}").unwrap().fixed(), None);
}

#[test]
fn expressions_compute() {
    renders("${flow.number + 1}", "43");
    renders("${flow.number | pad(5)}", "00042");
    renders("${count | int + 1}", "8");
    renders("${'-7' | pad(4)}", "-007");
    renders("${order_id | lower}", "ord-1.5");
    renders("${{'a': 'b}'}.a}", "b}");
    renders("${'yes' if count | int > 3 else 'no'}", "yes");
    renders("${customers['name']}", "Ann");
}

#[test]
fn values_are_texts() {
    fails(
        "${count + 1}",
        "`count + 1` cannot be computed: tried to use + operator on unsupported types string and number",
    );
}

#[test]
fn a_name_without_a_value_is_an_error() {
    fails("${nobody}", "`nobody` has no value here");
    fails(
        "${ordr_id}",
        "`ordr_id` has no value here (is `order_id` meant?)",
    );
    fails(
        "${ordr_id | upper}",
        "`ordr_id | upper` cannot be computed: `ordr_id` has no value here (is `order_id` meant?)",
    );
    fails(
        "${count if false}",
        "`count if false` cannot be computed: it has no value",
    );
    fails(
        "${[1]}",
        "`[1]` cannot be computed: its value is sequence, not a text",
    );
}

#[test]
fn faults_have_their_place() {
    let fault = |source| {
        let error = Template::parse(source).unwrap_err();
        (error.offset, error.length, error.to_string())
    };
    assert_eq!(fault("ab ${c"), (3, 3, "`${` is not closed".into()));
    assert_eq!(fault("ab ${}"), (3, 3, "an expression is missing".into()));
    let (offset, length, message) = fault("é${a b} x");
    assert_eq!((offset, length), (2, 6));
    assert!(
        message.starts_with("this is not an expression: unexpected"),
        "{message}"
    );
    assert_eq!(
        fault("${a | uper}"),
        (0, 11, "there is no filter `uper`".into())
    );
    assert_eq!(
        fault("${a is fine}"),
        (0, 12, "there is no test `is fine`".into())
    );
    let help = Template::parse("${a | uper}").unwrap_err().help;
    assert_eq!(help.as_deref(), Some("is `upper` meant?"));
}

#[test]
fn names_are_those_that_must_be_known() {
    let template = Template::parse("${a}${b | int + range(3)[c]}${flow.number}${'d'}").unwrap();
    assert_eq!(template.names(), ["a", "b", "c", "flow.number"]);
}

#[test]
fn values_can_be_escaped_on_their_way() {
    let template = Template::parse("^${order_id}.$").unwrap();
    let text = template
        .render_with(&scope(), |value| regex::escape(value).into())
        .unwrap();
    assert_eq!(text, r"^ORD\-1\.5.$");
}

#[test]
fn truth() {
    let holds = |source: &str| Expression::parse(source).unwrap().is_true(&scope());
    assert_eq!(holds("amount_due | float == total | float"), Ok(true));
    assert_eq!(holds("amount_due == total"), Ok(false));
    assert_eq!(holds("premium"), Ok(false));
    assert_eq!(holds("flow.number % 2"), Ok(false));
    assert_eq!(holds("flow.number"), Ok(true));
    assert_eq!(
        holds("order_id").unwrap_err().to_string(),
        "`order_id` cannot be computed: its value `ORD-1.5` is neither true nor false; \
         compare it, as in `order_id == 'ORD-1.5'`"
    );
    assert!(holds("nobody").is_err());
}

#[test]
fn the_values_of_an_expression_can_be_shown() {
    let expression = Expression::parse("amount_due | float < total | float + x").unwrap();
    assert_eq!(
        expression.values(&scope()),
        "amount_due = 120.00, total = 120.0, x has no value"
    );
}

#[test]
fn deep_or_long_expressions_are_refused_or_read_but_never_crash() {
    for piece in ["(", "[", "{", "not ", "-", "a.", "a|", "a+", "'"] {
        let source = format!("${{{}}}", piece.repeat(20_000));
        let _read_or_refused = Template::parse(&source);
    }
}

#[test]
fn texts_are_limited_in_length() {
    let mut scope = scope();
    scope.set("long", "x".repeat(TEXT_LIMIT_BYTES));
    let rendered = |source: &str| Template::parse(source).unwrap().render(&scope);
    assert_eq!(rendered("${long}").unwrap().len(), TEXT_LIMIT_BYTES);
    for source in [
        "${long}${order_id}",
        "${'x' * 99999}",
        "${'x' * 99999999}",
        "${order_id * 99999999999999}",
        "${(long * 99) ~ (long * 99) ~ (long * 99)}",
        "${long | replace('x', long)}",
        "${range(100000) | join(long)}",
        "${'%999999999d' | format(1)}",
        "${[1] | batch(99999999999, long) | first | join}",
        "${([long] * 99999) | map('upper') | join}",
    ] {
        let error = rendered(source).expect_err(source).to_string();
        let is_right = error.ends_with("this text is longer than 64 KiB")
            || error.contains("repeated string is too large");
        assert!(is_right, "{source}: {error}");
    }
}
