# A delivery form of dialog: a menu, a form and a calendar.
box() { dialog "$@" 3>&1 1>&2 2>&3; }

kind=$(box --menu "Kind of delivery" 12 50 4 1 Standard 2 Express 3 Pickup) || exit 1
address=$(box --form "Address" 14 60 4 \
  "Name:" 1 2 "" 1 12 30 40 "Street:" 2 2 "" 2 12 30 40 "Town:" 3 2 Paris 3 12 30 40) || exit 1
day=$(box --calendar "Day of delivery" 3 40 1 6 2030) || exit 1
clear
printf 'delivery kind %s on %s to %s\n' "$kind" "$day" "$(printf %s "$address" | tr '\n' ';')"
