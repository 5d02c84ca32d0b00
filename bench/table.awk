# table.awk - prints the figures of bench.sh and, to the file `json`, the same as JSON.
#
# Input, one value a line, divided by tabs: part, row, unit, value; in any order of rounds. A part's
# first row is what the others are measured against, unless its unit begins with "=".
BEGIN {
	FS = "\t"
}
!($1 in first) {
	part[++parts] = $1
	first[$1] = $2
	compared[$1] = !sub(/^=/, "", $3)
	unit_of[$1] = $3
}
{
	id = $1 FS $2
	if (!(id in values))
		row[$1, ++rows[$1]] = $2
	value[id, ++values[id]] = $4 + 0
}
function sort_values(id, n,    i, j, v) {
	for (i = 2; i <= n; i++) {
		v = value[id, i]
		for (j = i - 1; j > 0 && value[id, j] > v; j--)
			value[id, j + 1] = value[id, j]
		value[id, j + 1] = v
	}
}
function print_row(name, id, base,    n, m, more) {
	n = values[id]
	sort_values(id, n)
	m = value[id, int((n + 1) / 2)]
	if (name == first[p])
		median[p] = m
	more = compared[p] && median[p] ? sprintf("%8.3f", m / median[p]) : ""
	if (n == 1)
		printf "  %-42s %10s %10.2f %10s %s\n", name, "", m, "", more
	else
		printf "  %-42s %10.2f %10.2f %10.2f %s\n", name, value[id, 1], m, value[id, n], more
	printf "%s\n  {\"part\": \"%s\", \"row\": \"%s\", \"unit\": \"%s\", \"values\": %d, \"min\": %g, \"median\": %g, \"max\": %g}", \
		comma, p, name, unit_of[p], n, value[id, 1], m, value[id, n] > json
	comma = ","
}
END {
	printf "[" > json
	for (i = 1; i <= parts; i++) {
		p = part[i]
		printf "\n%s: %s\n  %-42s %10s %10s %10s %8s\n", p, unit_of[p], "", "min", "median", "max", compared[p] ? "ratio" : ""
		for (j = 1; j <= rows[p]; j++)
			print_row(row[p, j], p FS row[p, j])
	}
	print "\n]" > json
}
