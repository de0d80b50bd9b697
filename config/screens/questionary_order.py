"""An order form on a terminal, with the prompts of questionary."""

import questionary

order = questionary.select("What to order?", ["Fresh apples", "Dark bread", "Old cheese"]).ask()
extras = questionary.checkbox("With it?", ["A paper bag", "A greeting card", "A box of ice"]).ask()
name = questionary.text("Your name?").ask()
town = questionary.autocomplete("Which town?", ["Paris", "Rome", "Vienna"]).ask()
if questionary.confirm("Send it?").ask():
    print(f"ordered {order} with {', '.join(extras)} for {name} in {town}")
