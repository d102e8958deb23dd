package dev.hyaline.analysis.table;

import dev.hyaline.files.RecordText;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * A table of any number of axes laid out on paper: one axis across, all others down. Across goes the axis of positions,
 * or else the last.
 *
 * @param rowName what the rows are: the names of the axes that go down
 * @param columnName what the columns are; empty for a table of one axis, which has one column
 * @param cells the table's cell at each row and column
 */
public record Grid(String rowName, List<String> rows, String columnName, List<String> columns, int[][] cells) {
    /** Lays a table out. */
    public static Grid of(ResultTable table) {
        List<Axis> axes = table.axes();
        if (axes.size() == 1) {
            int[][] cells = IntStream.range(0, table.cells())
                    .mapToObj(cell -> new int[] {cell})
                    .toArray(int[][]::new);
            return new Grid(axes.getFirst().name(), axes.getFirst().labels(), "", List.of(table.quantity()), cells);
        }
        int across = IntStream.range(0, axes.size())
                .filter(a -> axes.get(a).name().equals(Axis.POSITION))
                .findFirst()
                .orElse(axes.size() - 1);
        List<Axis> down = new ArrayList<>(axes);
        Axis columns = down.remove(across);
        int rows = table.cells() / columns.size();
        int[][] cells = new int[rows][columns.size()];
        List<String> labels = new ArrayList<>();
        for (int row = 0; row < rows; row++) {
            int[] index = new int[axes.size()];
            int rest = row;
            for (int a = axes.size() - 1; a >= 0; a--) {
                if (a != across) {
                    index[a] = rest % axes.get(a).size();
                    rest /= axes.get(a).size();
                }
            }
            for (int column = 0; column < columns.size(); column++) {
                index[across] = column;
                cells[row][column] = table.cell(index);
            }
            labels.add(IntStream.range(0, axes.size())
                    .filter(a -> a != across)
                    .mapToObj(a -> axes.get(a).labels().get(index[a]))
                    .collect(Collectors.joining(".")));
        }
        return new Grid(
                down.stream().map(Axis::name).collect(Collectors.joining(".")),
                labels,
                columns.name(),
                columns.labels(),
                cells);
    }

    @Override
    public String toString() {
        return RecordText.of(this);
    }
}
