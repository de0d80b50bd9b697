# Edits a price list with the editor that is given, and prints the price that was changed.
file=$(mktemp)
trap 'rm -f "$file"' EXIT
seq 500 | sed 's/.*/price &: 10.00/' >"$file"
"$@" "$file" && sed -n '/price 433/s/^/new /p' "$file"
