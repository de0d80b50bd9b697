# An order form of whiptail: a menu, a check list, an input box and a password box.
box() { whiptail --title Orders "$@" 3>&1 1>&2 2>&3 || exit 1; }

order=$(box --menu "What to order?" 15 50 5 \
  apples "Fresh apples" bread "Dark bread" cheese "Old cheese") || exit 1
extras=$(box --checklist "With it?" 15 50 4 \
  bag "A paper bag" off card "A greeting card" off ice "A box of ice" on) || exit 1
name=$(box --inputbox "Your name" 10 50 nobody) || exit 1
pin=$(box --passwordbox "Your PIN" 10 50) || exit 1
printf '\nordered %s with %s for %s, %s digits\n' "$order" "$extras" "$name" "${#pin}"
