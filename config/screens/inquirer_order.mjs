// An order form on a terminal, with the prompts of inquirer.
import { checkbox, confirm, input, select } from "@inquirer/prompts";

const choices = (names) => names.map((name) => ({ name, value: name }));
const order = await select({
  message: "What to order?",
  choices: choices(["Fresh apples", "Dark bread", "Old cheese"]),
});
const extras = await checkbox({
  message: "With it?",
  choices: choices(["A paper bag", "A greeting card", "A box of ice"]),
});
const name = await input({ message: "Your name?" });
if (await confirm({ message: "Send it?" })) {
  console.log(`ordered ${order} with ${extras.join(", ")} for ${name}`);
}
