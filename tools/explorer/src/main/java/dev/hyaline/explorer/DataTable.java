package dev.hyaline.explorer;

import dev.hyaline.analysis.statistics.Interval;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.analysis.table.Rounding;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.explorer.TableCell.IntervalCell;
import dev.hyaline.explorer.TableCell.LinkCell;
import dev.hyaline.explorer.TableCell.NumberCell;
import dev.hyaline.explorer.TableCell.WordCell;
import dev.hyaline.explorer.TableColumn.Content;
import dev.hyaline.files.Printable;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.function.DoubleFunction;
import java.util.stream.Collectors;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;

/**
 * A table with a link that saves it as comma-separated values, whose numbers read back as the same doubles. Immutable:
 * a table with one more row is another one.
 */
public final class DataTable implements View {
    private static final int DIGITS = 3;

    /** The cells of a row and the address of its numbers without the column's key. */
    private record AddressedRow(String address, List<TableCell> cells) {}

    private final String caption;
    private final List<TableColumn> columns;
    private final List<AddressedRow> rows;

    private DataTable(String caption, List<TableColumn> columns, List<AddressedRow> rows) {
        this.caption = caption;
        this.columns = List.copyOf(columns);
        this.rows = List.copyOf(rows);
    }

    /**
     * A table without rows.
     *
     * @param caption also the name under which it is saved
     */
    public static DataTable of(String caption, TableColumn... columns) {
        return new DataTable(caption, List.of(columns), List.of());
    }

    /** The cells of a table of results: a column for each axis, the mean, its standard error and its interval. */
    public static DataTable of(ResultTable table) {
        List<TableColumn> columns = new ArrayList<>();
        table.axes().forEach(axis -> columns.add(TableColumn.text(axis.name(), axis.name())));
        columns.add(TableColumn.number(
                table.quantity() + (table.unit().isEmpty() ? "" : " (" + table.unit() + ")"), "mean"));
        columns.add(TableColumn.number("standard error", "standard_error"));
        List<AddressedRow> rows = new ArrayList<>();
        for (int cell = 0; cell < table.cells(); cell++) {
            List<TableCell> cells = new ArrayList<>();
            table.labels(cell).forEach(label -> cells.add(TableCell.of(label)));
            cells.add(TableCell.of(table.mean(cell)));
            cells.add(TableCell.of(table.standardError(cell)));
            rows.add(new AddressedRow("", List.copyOf(cells)));
        }
        return new DataTable(table.title(), columns, rows);
    }

    /** The same table with one more row, whose numbers have no address. */
    public DataTable row(TableCell... cells) {
        return rowAt("", cells);
    }

    /**
     * The same table with one more row.
     *
     * @param address of the row in the machine-readable twin of the page: that of a number is this and its column's key
     * @throws BadShapeException if there are more or fewer cells than columns, or one is of another kind than its
     *     column
     */
    public DataTable rowAt(String address, TableCell... cells) {
        if (cells.length != columns.size()) {
            throw new BadShapeException(
                    "a row of the table '" + caption + "'", columns.size() + " cells", cells.length + " cells");
        }
        for (int c = 0; c < cells.length; c++) {
            if (!fits(columns.get(c).content(), cells[c])) {
                throw new BadShapeException(
                        "a cell of the column '" + columns.get(c).name() + "'",
                        columns.get(c)
                                .content()
                                .toString()
                                .toLowerCase(Locale.ROOT)
                                .replace('_', ' '),
                        cells[c].toString());
            }
        }
        List<AddressedRow> more = new ArrayList<>(rows);
        more.add(new AddressedRow(address, List.of(cells)));
        return new DataTable(caption, columns, more);
    }

    private static boolean fits(Content content, TableCell cell) {
        return switch (content) {
            case TEXT -> cell instanceof WordCell || cell instanceof LinkCell;
            case NUMBER, P_VALUE -> cell instanceof NumberCell;
            case INTERVAL -> cell instanceof IntervalCell;
        };
    }

    /** Comma-separated values (RFC 4180, lines ending in a line feed); an interval is two columns. */
    public String csv() {
        StringBuilder csv = new StringBuilder();
        csv.append(columns.stream()
                        .map(column -> column.content() == Content.INTERVAL
                                ? quoted(column.key() + "_low") + "," + quoted(column.key() + "_high")
                                : quoted(column.key()))
                        .collect(Collectors.joining(",")))
                .append('\n');
        for (AddressedRow row : rows) {
            csv.append(row.cells.stream().map(DataTable::csv).collect(Collectors.joining(",")))
                    .append('\n');
        }
        return csv.toString();
    }

    private static String csv(TableCell cell) {
        return switch (cell) {
            case WordCell word -> quoted(word.text());
            case LinkCell link -> quoted(link.text());
            case NumberCell number -> exact(number.value());
            case IntervalCell(Interval interval)
            when interval != null -> exact(interval.low()) + "," + exact(interval.high());
            case IntervalCell none -> ",";
        };
    }

    private static String exact(double value) {
        return Double.isFinite(value) ? Double.toString(value) : "";
    }

    private static String quoted(String text) {
        return text.matches("(?s).*[\",\r\n].*") ? "\"" + text.replace("\"", "\"\"") + "\"" : text;
    }

    @Override
    public void write(HtmlWriter html) {
        boolean addressed = rows.stream().anyMatch(row -> !row.address.isEmpty());
        html.open("div", "class", "table", "tabindex", "0", "role", "group", "aria-label", caption);
        html.open("table").element("caption", caption);
        html.open("thead").open("tr");
        for (TableColumn column : columns) {
            html.open("th", "scope", "col", "class", numeric(column) ? "number" : "")
                    .text(column.name());
            if (addressed && numeric(column)) {
                html.address(column.key());
            }
            html.close();
        }
        html.close().close().open("tbody");
        List<DoubleFunction<String>> roundings = columns.stream()
                .map(column -> rounding(rows.stream().map(row -> row.cells.get(columns.indexOf(column)))))
                .toList();
        for (AddressedRow row : rows) {
            html.open("tr");
            for (int c = 0; c < columns.size(); c++) {
                if (c == 0 && columns.getFirst().content() == Content.TEXT) {
                    html.open("th", "scope", "row");
                } else {
                    html.open("td", "class", numeric(columns.get(c)) ? "number" : "");
                }
                TableCell cell = row.cells.get(c);
                TableColumn column = columns.get(c);
                cell(html, cell, column, column.alike() ? roundings.get(c) : rounding(Stream.of(cell)));
                if (c == 0) {
                    html.address(row.address);
                }
                html.close();
            }
            html.close();
        }
        html.close().close();
        html.element(
                "a",
                "Save as CSV",
                "class",
                "save",
                "download",
                fileName(),
                "href",
                "data:text/csv;charset=utf-8;base64,"
                        + Base64.getEncoder().encodeToString(csv().getBytes(StandardCharsets.UTF_8)));
        html.close();
    }

    private String fileName() {
        String letters =
                caption.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "-").replaceAll("^-|-$", "");
        return (letters.isEmpty() ? "table" : letters) + ".csv";
    }

    private static boolean numeric(TableColumn column) {
        return column.content() != Content.TEXT;
    }

    /** The rounding of a column; whole numbers alone, such as counts, stay as they are. */
    private static DoubleFunction<String> rounding(Stream<TableCell> cells) {
        double[] values = cells.flatMapToDouble(cell -> switch (cell) {
                    case WordCell word -> DoubleStream.empty();
                    case LinkCell link -> DoubleStream.empty();
                    case NumberCell number -> DoubleStream.of(number.value());
                    case IntervalCell(Interval interval)
                    when interval != null -> DoubleStream.of(interval.low(), interval.high());
                    case IntervalCell none -> DoubleStream.empty();
                })
                .filter(Double::isFinite)
                .toArray();
        if (Arrays.stream(values).allMatch(value -> value == Math.rint(value) && Math.abs(value) < 1e15)) {
            return value -> Double.isFinite(value) ? String.valueOf((long) value) : "-";
        }
        return Rounding.of(values, DIGITS)::text;
    }

    private static void cell(HtmlWriter html, TableCell cell, TableColumn column, DoubleFunction<String> rounding) {
        switch (cell) {
            case WordCell word when word.tone() == Tone.PLAIN -> html.text(word.text());
            case LinkCell link -> html.element("a", link.text(), "href", link.address());
            case WordCell word -> Badge.small(html, word.tone(), word.text());
            case NumberCell number ->
                html.text(
                        column.content() == Content.P_VALUE
                                ? ShownNumber.pValue(number.value())
                                : rounding.apply(number.value()));
            case IntervalCell(Interval interval)
            when interval != null ->
                html.text(rounding.apply(interval.low()) + " to " + rounding.apply(interval.high()));
            case IntervalCell none -> html.text("-");
        }
    }

    @Override
    public String toString() {
        return Printable.plural(rows.size(), "row") + " of " + Printable.plural(columns.size(), "column") + ": "
                + caption;
    }
}
