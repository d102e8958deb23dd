package dev.hyaline.explorer.report;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.Printable;
import java.util.ArrayList;
import java.util.List;

/**
 * Comma-separated values (RFC 4180) with a line of names.
 *
 * @param file its name in errors
 */
record CsvTable(String file, List<String> names, List<List<String>> rows) {
    /** @throws BadInputException if a row has another number of cells than there are names */
    static CsvTable parse(String file, String text) {
        List<List<String>> rows = new ArrayList<>();
        List<String> row = new ArrayList<>();
        StringBuilder cell = new StringBuilder();
        boolean quoted = false;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (quoted) {
                if (c != '"') {
                    cell.append(c);
                } else if (i + 1 < text.length() && text.charAt(i + 1) == '"') {
                    cell.append('"');
                    i++;
                } else {
                    quoted = false;
                }
            } else if (c == '"') {
                quoted = true;
            } else if (c == ',' || c == '\n') {
                row.add(cell.toString());
                cell.setLength(0);
                if (c == '\n') {
                    rows.add(row);
                    row = new ArrayList<>();
                }
            } else {
                cell.append(c);
            }
        }
        if (rows.isEmpty()) {
            throw new BadInputException(file + " has no line of names");
        }
        List<String> names = rows.removeFirst();
        for (List<String> read : rows) {
            if (read.size() != names.size()) {
                throw new BadInputException(file + " has " + names.size() + " names, but " + read.size()
                        + " cells in a row that begins with " + Printable.quoted(read.getFirst()));
            }
        }
        return new CsvTable(file, names, rows);
    }

    boolean has(String name) {
        return names.contains(name);
    }

    List<String> texts(String name) {
        int column = names.indexOf(name);
        return rows.stream().map(row -> row.get(column)).toList();
    }

    /** @throws BadInputException if a cell is no number */
    double[] numbers(String name) {
        return texts(name).stream()
                .mapToDouble(cell -> {
                    try {
                        return Double.parseDouble(cell);
                    } catch (NumberFormatException e) {
                        throw new BadInputException(file + ": " + Printable.quoted(name) + " is to be numbers, found "
                                + Printable.quoted(cell));
                    }
                })
                .toArray();
    }
}
