#!/bin/bash
# A bridge to a table of SQLite, in shell: it passes lines on, and SQLite (3.38 or newer) reads and writes the JSON.
# A user is kept as the JSON that came, so that 1, "1" and true are three users.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
sqlite3 "$folder/db" "CREATE TABLE notes (id INTEGER PRIMARY KEY, user TEXT, text TEXT); CREATE TABLE line (json TEXT)"

answer() { # the JSON object that a query gives, with the number of the call in front
  sqlite3 "$folder/db" "
    DELETE FROM line; INSERT INTO line VALUES (CAST(readfile('$folder/line') AS TEXT)); $2
    SELECT json_object('id', json(line.json->'$.id'), '$1', json(($3))) FROM line;"
}
user="(SELECT json->'$.arguments.user' FROM line)"
row="json_object('id', CAST(id AS TEXT), 'text', json(text))"
mine="FROM notes WHERE user = $user"

while IFS= read -r line; do
  printf '%s' "$line" > "$folder/line"
  case $line in
  '{"hello"'*)
    echo '{"hello": {"protocol": 1, "name": "notes.sh", "version": "1", "capabilities": ["count"]}}' ;;
  '{"cancel"'*) ;; # every call is answered at once, so there is nothing to stop
  *'"call":"echo"'*)
    answer value "" "SELECT json->'$.arguments.value' FROM line" ;;
  *'"user":null'* | *'"user":"",'* | *'"user":""}'*)
    answer refused "" "SELECT json_quote('a user is needed')" ;;
  *'"call":"add"'*)
    answer memories "INSERT INTO notes (user, text) SELECT $user, json->'$.arguments.text' FROM line;" \
      "SELECT json_array($row) FROM notes WHERE id = last_insert_rowid()" ;;
  *'"call":"search"'*)
    answer memories "" "SELECT json_group_array(json(found)) FROM (SELECT $row AS found $mine ORDER BY
      instr(lower(text), lower((SELECT json->>'$.arguments.query' FROM line))) > 0 DESC
      LIMIT (SELECT json->>'$.arguments.limit' FROM line))" ;;
  *'"call":"get_all"'*) answer memories "" "SELECT json_group_array($row) $mine" ;;
  *'"call":"count"'*) answer number "" "SELECT count(*) $mine" ;;
  *'"call":"delete_all"'*) answer nothing "DELETE $mine;" "SELECT 'true'" ;;
  *) answer error "" "SELECT json_quote('there is no such call')" ;;
  esac
done
