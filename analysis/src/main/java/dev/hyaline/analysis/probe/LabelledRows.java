package dev.hyaline.analysis.probe;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.files.Printable;
import dev.hyaline.instrument.weights.Matrix;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Activations with a class for each row: what a probe is fitted on. Immutable but for its arrays, which are not copied.
 */
public final class LabelledRows {
    /** Most values of one set of rows. */
    public static final int MAX_VALUES = 1 << 28;

    private final Matrix values;
    private final int[] labels;
    private final List<String> classes;

    private LabelledRows(Matrix values, int[] labels, List<String> classes) {
        this.values = values;
        this.labels = labels;
        this.classes = classes;
    }

    /**
     * Rows and their classes.
     *
     * @param values {@code [rows, columns]}
     * @param labels the class of each row, an index among {@code classes}
     * @param classes what each class is called
     * @throws BadShapeException if there is not one label per row
     * @throws BadInputException if a value is not finite, a label is of no class, or fewer than two classes have rows
     */
    public static LabelledRows of(Matrix values, int[] labels, List<String> classes) {
        if (labels.length != values.rows()) {
            throw new BadShapeException(
                    "labels of a probe", values.rows() + ", one per row", labels.length + " labels");
        }
        double[] all = values.values();
        for (int i = 0; i < all.length; i++) {
            if (!Double.isFinite(all[i])) {
                throw new BadInputException("row " + i / values.columns() + ", column " + i % values.columns() + " is "
                        + all[i] + "; a probe reads finite values only");
            }
        }
        for (int row = 0; row < labels.length; row++) {
            if (labels[row] < 0 || labels[row] >= classes.size()) {
                throw new BadInputException("the label of row " + row + " is " + labels[row]
                        + ", but classes run from 0 to " + (classes.size() - 1));
            }
        }
        LabelledRows rows = new LabelledRows(values, labels, List.copyOf(classes));
        if (rows.occurring() < 2) {
            throw new BadInputException("a probe tells at least two classes apart, but all " + labels.length
                    + " rows are of the class '" + Printable.plain(classes.get(labels[0])) + "'");
        }
        return rows;
    }

    /** As {@link #of(Matrix, int[], List)}, the classes called 0 and 1 and so on. */
    public static LabelledRows of(Matrix values, int[] labels) {
        int last = Math.max(0, Arrays.stream(labels).max().orElse(-1));
        if (last >= Math.max(1, labels.length)) {
            throw new BadInputException(
                    "labels of " + labels.length + " rows are below " + labels.length + ", found " + last);
        }
        int classes = last + 1;
        return of(
                values,
                labels,
                IntStream.range(0, classes).mapToObj(Integer::toString).toList());
    }

    private long occurring() {
        return Arrays.stream(labels).distinct().count();
    }

    public int rows() {
        return labels.length;
    }

    public int columns() {
        return values.columns();
    }

    /** {@code [rows, columns]}. */
    public Matrix values() {
        return values;
    }

    /** The class of a row. */
    public int label(int row) {
        return labels[BadInputException.requireIndex("row", row, labels.length)];
    }

    public int[] labels() {
        return labels.clone();
    }

    public List<String> classes() {
        return classes;
    }

    /** Number of rows of each class. */
    public int[] counts() {
        int[] counts = new int[classes.size()];
        for (int label : labels) {
            counts[label]++;
        }
        return counts;
    }

    /** The share of the rows that are of the commonest class: what one who reads nothing gets right. */
    public double majority() {
        return Arrays.stream(counts()).max().orElse(0) / (double) labels.length;
    }

    /**
     * Some of the rows, in the order given.
     *
     * @throws BadInputException if fewer than two classes are among them
     */
    public LabelledRows only(int... rows) {
        int d = columns();
        double[] chosen = new double[Math.multiplyExact(rows.length, d)];
        int[] ofChosen = new int[rows.length];
        for (int i = 0; i < rows.length; i++) {
            System.arraycopy(values.values(), rows[i] * d, chosen, i * d, d);
            ofChosen[i] = label(rows[i]);
        }
        return of(new Matrix(rows.length, d, chosen), ofChosen, classes);
    }

    /** Some of the columns, in the order given. */
    LabelledRows columns(int... columns) {
        double[] chosen = new double[rows() * columns.length];
        for (int row = 0; row < rows(); row++) {
            for (int c = 0; c < columns.length; c++) {
                chosen[row * columns.length + c] = values.values()[row * columns() + columns[c]];
            }
        }
        return new LabelledRows(new Matrix(rows(), columns.length, chosen), labels, classes);
    }

    /** The same labels with other values. */
    public LabelledRows with(Matrix newValues) {
        return of(newValues, labels, classes);
    }

    /** The same values with other labels. */
    public LabelledRows labelled(int[] newLabels, List<String> newClasses) {
        return of(values, newLabels, newClasses);
    }

    /** The mean of each class's rows, {@code [classes][columns]}; zeros of a class without rows. */
    double[][] means() {
        int d = columns();
        double[][] means = new double[classes.size()][d];
        int[] counts = counts();
        for (int row = 0; row < rows(); row++) {
            double[] mean = means[labels[row]];
            for (int c = 0; c < d; c++) {
                mean[c] += values.values()[row * d + c];
            }
        }
        for (int k = 0; k < means.length; k++) {
            for (int c = 0; c < d; c++) {
                means[k][c] /= Math.max(1, counts[k]);
            }
        }
        return means;
    }

    /** The covariance within the classes, pooled and divided by the number of rows, {@code [columns][columns]}. */
    double[][] pooledCovariance() {
        int d = columns();
        double[][] means = means();
        double[] centred = values.values().clone();
        for (int row = 0; row < rows(); row++) {
            Vectors.add(centred, row * d, -1, means[labels[row]], 0, d);
        }
        return Vectors.gram(new Matrix(rows(), d, centred), rows());
    }

    @Override
    public String toString() {
        return rows() + " rows of " + columns() + " columns, " + classes.size() + " classes";
    }
}
