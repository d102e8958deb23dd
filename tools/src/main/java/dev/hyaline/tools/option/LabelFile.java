package dev.hyaline.tools.option;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.InputErrors;
import dev.hyaline.files.Printable;
import dev.hyaline.files.Utf8;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Prompts with labels from a CSV file with a heading: the columns {@code prompt}, {@code position} (an index or
 * {@code last}) and {@code label}, and perhaps {@code group}, which is what rows may share, such as a name.
 */
public record LabelFile(List<Row> rows, boolean grouped) {
    private static final int MAX_ROWS = 100_000;
    private static final List<String> COLUMNS = List.of("prompt", "position", "label");
    private static final String GROUP = "group";

    /**
     * A row.
     *
     * @param line of the file in which it begins, from 1
     * @param position {@code last}, or an index, which counts from the end if it is negative
     * @param group empty if there are none
     */
    public record Row(int line, String prompt, String position, String label, String group) {}

    private record TextRecord(int line, List<String> fields) {}

    public LabelFile {
        rows = List.copyOf(rows);
    }

    static LabelFile read(String option, String name) {
        Path path = PathOption.readable(option, name);
        return parse(name, WholeFile.withoutMark(Utf8.strict(InputErrors.INSTANCE, name, WholeFile.read(path))));
    }

    static LabelFile parse(String name, String text) {
        List<TextRecord> records = records(name, text);
        if (records.isEmpty()) {
            throw new BadInputException(
                    name + " is empty; expected a heading with the columns prompt, position, label");
        }
        List<String> heading = records.getFirst().fields();
        for (String column : COLUMNS) {
            if (!heading.contains(column)) {
                throw new BadInputException(name + ": the column " + column + " is missing; the heading has "
                        + Printable.plain(String.join(", ", heading)));
            }
        }
        for (String column : heading) {
            if (!COLUMNS.contains(column) && !column.equals(GROUP)) {
                throw new BadInputException(name + ": there is no column '" + Printable.plain(column)
                        + "'; the columns are prompt, position, label and perhaps group");
            }
            if (heading.indexOf(column) != heading.lastIndexOf(column)) {
                throw new BadInputException(name + ": the heading has the column " + column + " twice");
            }
        }
        if (records.size() < 2 || records.size() - 1 > MAX_ROWS) {
            throw new BadInputException(name + ": expected from 1 to " + MAX_ROWS + " rows under the heading, found "
                    + (records.size() - 1));
        }
        boolean grouped = heading.contains(GROUP);
        List<Row> rows = new ArrayList<>();
        for (int i = 1; i < records.size(); i++) {
            List<String> fields = records.get(i).fields();
            String place = name + ", line " + records.get(i).line();
            if (fields.size() != heading.size()) {
                throw new BadInputException(place + ": expected " + heading.size() + " fields, found " + fields.size());
            }
            String position = fields.get(heading.indexOf("position")).strip();
            if (!position.equals("last") && !position.matches("-?\\d{1,7}")) {
                throw new BadInputException(place + ": expected a position such as 3, -1 or last, found '"
                        + Printable.plain(position) + "'");
            }
            String label = fields.get(heading.indexOf("label"));
            if (label.isBlank()) {
                throw new BadInputException(place + ": the label is empty");
            }
            rows.add(new Row(
                    records.get(i).line(),
                    fields.get(heading.indexOf("prompt")),
                    position,
                    label.strip(),
                    grouped ? fields.get(heading.indexOf(GROUP)) : ""));
        }
        return new LabelFile(rows, grouped);
    }

    /** The records of RFC 4180, empty lines left out. */
    private static List<TextRecord> records(String name, String text) {
        List<TextRecord> records = new ArrayList<>();
        int line = 1;
        int begin = 1;
        List<String> fields = new ArrayList<>();
        StringBuilder field = new StringBuilder();
        boolean quoted = false;
        boolean closed = false;
        for (int i = 0; i <= text.length(); i++) {
            char c = i < text.length() ? text.charAt(i) : '\n';
            if (quoted && i == text.length()) {
                throw new BadInputException(name + ", line " + begin + ": a quoted field is not closed");
            }
            if (quoted) {
                if (c != '"') {
                    field.append(c);
                } else if (i + 1 < text.length() && text.charAt(i + 1) == '"') {
                    field.append(c);
                    i++;
                } else {
                    quoted = false;
                    closed = true;
                }
            } else if (c == '"' && field.isEmpty() && !closed) {
                quoted = true;
            } else if (c == ',' || c == '\n') {
                fields.add(closed ? field.toString() : field.toString().strip());
                field.setLength(0);
                closed = false;
                if (c == '\n') {
                    if (fields.size() > 1 || !fields.getFirst().isEmpty()) {
                        records.add(new TextRecord(begin, fields));
                    }
                    fields = new ArrayList<>();
                    begin = line + 1;
                }
            } else if (c != '\r') {
                if (closed) {
                    throw new BadInputException(name + ", line " + line + ": text follows a quoted field");
                }
                field.append(c);
            }
            if (c == '\n') {
                line++;
            }
        }
        return records;
    }
}
