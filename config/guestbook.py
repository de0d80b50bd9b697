"""A guest book: the program that guestbook.yaml rehearses with."""

import getpass
import secrets
import sys


def main():
    name = input("Your name: ")
    if getpass.getpass("Door code: ") != "sesame":
        sys.exit("Wrong door code")
    print(f"Come in, {name}.")
    while True:
        print("\n[w] Write an entry\n[l] Leave")
        choice = input("What would you like to do? ")
        if choice == "w":
            text = input("Your entry: ")
            print(f"Thank you for {len(text.split())} words.")
            print(f"Entry number: G-{secrets.token_hex(4)}")
        elif choice == "l":
            print("Come again!")
            return
        else:
            print("Sorry?")


if __name__ == "__main__":
    main()
