package dev.hyaline.explorer.view;

import dev.hyaline.analysis.table.Axis;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.analysis.table.TablePicture;
import dev.hyaline.explorer.DataTable;
import dev.hyaline.explorer.Figure;
import dev.hyaline.explorer.HtmlWriter;
import dev.hyaline.explorer.data.DataObject;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** A table of results as the data of a view, and as what is read where no script runs. */
final class TableData {
    /** A table of more rows is read from the data. */
    private static final int MAX_ROWS = 2000;

    private TableData() {}

    /** All that is known of a table: its words, its axes, and the values of every cell and sample. */
    static DataObject of(ResultTable table) {
        int cells = table.cells();
        int samples = table.samples().size();
        double[] values = new double[Math.multiplyExact(cells, samples)];
        for (int cell = 0; cell < cells; cell++) {
            System.arraycopy(table.values(cell), 0, values, cell * samples, samples);
        }
        DataObject data = DataObject.empty()
                .with("title", table.title())
                .with("quantity", table.quantity())
                .with("unit", table.unit())
                .with("origin", table.origin())
                .with("sampleKind", table.sampleKind())
                .with("neutral", table.neutral().orElse(Double.NaN))
                .withObjects(
                        "axes",
                        table.axes().stream()
                                .map(axis -> DataObject.empty()
                                        .with("name", axis.name())
                                        .withTexts("labels", axis.labels()))
                                .toList())
                .withTexts("samples", table.samples())
                .with("mean", table.means(), cells)
                .with("values", values, cells, samples);
        double[] errors =
                IntStream.range(0, cells).mapToDouble(table::standardError).toArray();
        data = data.with("error", errors, cells);
        return table.subtracted().isEmpty() ? data : withDifferences(data, table);
    }

    /** What a table shows that is shown as differences, by cell, and what each value is compared with. */
    private static DataObject withDifferences(DataObject data, ResultTable table) {
        int cells = table.cells();
        int samples = table.samples().size();
        double[] references = new double[cells * samples];
        Arrays.setAll(references, i -> table.reference(i / samples, i % samples));
        boolean alike = IntStream.range(0, references.length).allMatch(i -> references[i] == references[i % samples]);
        return data.with("subtracted", table.subtracted())
                .with(
                        "shown",
                        IntStream.range(0, cells).mapToDouble(table::shown).toArray(),
                        cells)
                .with(
                        "shownError",
                        IntStream.range(0, cells).mapToDouble(table::shownError).toArray(),
                        cells)
                .with(
                        "references",
                        alike ? Arrays.copyOf(references, samples) : references,
                        alike ? 1 : cells,
                        samples);
    }

    static List<Integer> sizes(ResultTable table) {
        return table.axes().stream().map(Axis::size).toList();
    }

    /** Writes a heat map with its numbers below, or the numbers alone where there are too many for a picture. */
    static void write(HtmlWriter html, ResultTable table) {
        DataTable numbers = table.cells() <= MAX_ROWS ? DataTable.of(table) : null;
        if (TablePicture.fits(table)) {
            new Figure(table.title() + ".", TablePicture.of(table), alternative(table), numbers).write(html);
        } else if (numbers != null) {
            numbers.write(html);
        } else {
            html.element(
                    "p",
                    table.title() + " has " + table.cells()
                            + " cells, too many for a picture; the page shows them with scripts" + " allowed.");
        }
    }

    private static String alternative(ResultTable table) {
        return "Heat map of " + table.title() + ": " + table.quantity() + " by "
                + String.join(", ", table.axes().stream().map(Axis::name).toList()) + ".";
    }
}
