package dev.hyaline.analysis.table;

import dev.hyaline.analysis.picture.Heading;
import dev.hyaline.analysis.statistics.TTest;
import dev.hyaline.analysis.statistics.Units;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.engine.tensor.Tensor;
import dev.hyaline.instrument.Prompts;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Measurements over named axes, of every sample (a pair of prompts, a draw) by itself. Immutable.
 *
 * <p>A cell is addressed by one index on each axis, or by its number in row-major order. Its mean is taken over
 * samples, its standard error over units where they are known; a sample that was not measured is NaN, and so is
 * whatever needs it.
 */
public final class ResultTable {
    private final Description description;
    private final List<Axis> axes;
    private final List<String> samples;
    private final @Nullable Double neutral;
    /** What values are compared with, if not with what is neutral. */
    private final @Nullable Reference reference;

    private final @Nullable Units units;
    /** {@code [cells, samples]}. */
    private final double[] values;
    /** Made when first asked for; any thread makes the same. */
    private volatile @Nullable TableStatistics statistics;

    /** A table's properties beside its values. */
    private record Description(
            String title, String quantity, String unit, String origin, String sampleKind, List<int[]> tokens) {
        Description measuring(String newQuantity, String newUnit) {
            return new Description(title, newQuantity, newUnit, origin, sampleKind, tokens);
        }

        Description from(String newOrigin) {
            return new Description(title, quantity, unit, newOrigin, sampleKind, tokens);
        }

        Description ofSamples(String newKind) {
            return new Description(title, quantity, unit, origin, newKind, tokens);
        }

        Description ofTokens(List<int[]> newTokens) {
            return new Description(title, quantity, unit, origin, sampleKind, newTokens);
        }
    }

    /**
     * What values are compared with.
     *
     * @param values {@code [samples]} or {@code [cells, samples]}
     * @param name in words
     * @param subtracted whether tables and pictures show what is left above it
     */
    private record Reference(double[] values, String name, boolean subtracted) {}

    private ResultTable(
            Description description,
            List<Axis> axes,
            List<String> samples,
            @Nullable Double neutral,
            @Nullable Reference reference,
            @Nullable Units units,
            double[] values) {
        this.description = description;
        this.axes = List.copyOf(axes);
        this.samples = List.copyOf(samples);
        this.neutral = neutral;
        this.reference = reference;
        this.units = units;
        this.values = values;
    }

    /**
     * A table of values.
     *
     * @param quantity what was measured: {@code logit difference}
     * @param unit what it is measured in: {@code logits}
     * @param samples what each sample is called
     * @param values {@code [cells, samples]}, cells in row-major order of the axes; copied
     * @throws BadInputException if there is no axis or no sample, or two axes share a name
     * @throws BadShapeException if there are more or fewer values than cells times samples
     */
    public static ResultTable of(
            String title, String quantity, String unit, List<Axis> axes, List<String> samples, double[] values) {
        if (axes.isEmpty() || samples.isEmpty()) {
            throw new BadInputException("the table '" + title + "' needs an axis and a sample");
        }
        if (axes.stream().map(Axis::name).distinct().count() != axes.size()) {
            throw new BadInputException("the table '" + title + "' has two axes of one name");
        }
        long expected = axes.stream().mapToLong(Axis::size).reduce(samples.size(), Math::multiplyExact);
        if (values.length != expected) {
            throw new BadShapeException(
                    "values of the table '" + title + "'",
                    axes.stream().map(axis -> axis.size() + " " + axis.name()).collect(Collectors.joining(" x "))
                            + " x " + samples.size() + " samples",
                    values.length + " values");
        }
        return new ResultTable(
                new Description(title, quantity, unit, "", "samples", List.of()),
                axes,
                samples,
                null,
                null,
                null,
                values.clone());
    }

    /**
     * The same table, of which it is known what experiment its values are of.
     *
     * @param origin in words: {@code fable, ioi-abba}
     */
    public ResultTable from(String origin) {
        return new ResultTable(description.from(origin), axes, samples, neutral, reference, units, values);
    }

    /**
     * The same table, of which it is known what its samples are.
     *
     * @param kind in the plural: {@code pairs}
     */
    public ResultTable ofSamples(String kind) {
        return new ResultTable(description.ofSamples(kind), axes, samples, neutral, reference, units, values);
    }

    /**
     * The same table, of which it is known what prompts its samples are.
     *
     * @throws BadShapeException if there are more or fewer prompts than samples
     */
    public ResultTable ofPrompts(Prompts prompts) {
        if (prompts.size() != samples.size()) {
            throw new BadShapeException(
                    "prompts of the table '" + title() + "'",
                    samples.size() + ", one for each sample",
                    prompts.size() + " prompts");
        }
        List<int[]> tokens =
                IntStream.range(0, prompts.size()).mapToObj(prompts::tokens).toList();
        return new ResultTable(description.ofTokens(tokens), axes, samples, neutral, reference, units, values);
    }

    /** The same table, of which {@code value} means that nothing happened: a map shows it white. */
    public ResultTable neutralAt(double value) {
        return new ResultTable(description, axes, samples, value, null, units, values);
    }

    /**
     * The same table, each of whose samples is compared with a value of its own instead of what is neutral.
     *
     * @param name of what it is compared with, in words: {@code its run without the edit}
     * @param with one for each sample, {@code [samples]}, or for each of every cell, {@code [cells, samples]}
     * @throws BadShapeException if there are more or fewer values
     */
    public ResultTable comparedWith(String name, double[] with) {
        return comparedWith(name, with, false);
    }

    /**
     * As {@link #comparedWith(String, double[])} of a table that is shown as differences: text and pictures have the
     * means less what is neutral, so that small effects are seen; {@link #means} and files of numbers stay as they are.
     *
     * @throws BadShapeException if there are more or fewer values
     */
    public ResultTable changedFrom(String name, double[] with) {
        return comparedWith(name, with, true);
    }

    private ResultTable comparedWith(String name, double[] with, boolean subtracted) {
        if (with.length != samples.size() && with.length != values.length) {
            throw new BadShapeException(
                    "values to compare the table '" + title() + "' with",
                    samples.size() + ", one for each sample, or " + values.length + ", one for each of every cell",
                    with.length + " values");
        }
        return new ResultTable(
                description, axes, samples, neutral, new Reference(with.clone(), name, subtracted), units, values);
    }

    /**
     * The same table, of which it is known which samples belong together.
     *
     * @throws BadShapeException if the units are of more or fewer samples
     */
    public ResultTable ofUnits(Units newUnits) {
        if (newUnits.prompts() != samples.size()) {
            throw new BadShapeException(
                    "units of the table '" + title() + "'",
                    "those of " + samples.size() + " samples",
                    "units of " + newUnits.prompts());
        }
        return new ResultTable(description, axes, samples, neutral, reference, newUnits, values);
    }

    /** Changes one sample's value. */
    @FunctionalInterface
    public interface SampleChange {
        double apply(int sample, double value);
    }

    /**
     * Every value changed, as by a normalisation; what it measures and its unit change with it, and no value is neutral
     * any more.
     */
    public ResultTable map(String newQuantity, String newUnit, SampleChange change) {
        double[] changed = new double[values.length];
        Arrays.setAll(changed, i -> change.apply(i % samples.size(), values[i]));
        return new ResultTable(description.measuring(newQuantity, newUnit), axes, samples, null, null, units, changed);
    }

    public String title() {
        return description.title;
    }

    public String quantity() {
        return description.quantity;
    }

    public String unit() {
        return description.unit;
    }

    /** The experiment that the values are of, such as a model and a task; empty if it is not known. */
    public String origin() {
        return description.origin;
    }

    /** What the samples are, in the plural: {@code pairs}, {@code draws}. */
    public String sampleKind() {
        return description.sampleKind;
    }

    /** The tokens of each sample; empty if they are not known. */
    public List<int[]> tokens() {
        return description.tokens.stream().map(int[]::clone).toList();
    }

    public List<Axis> axes() {
        return axes;
    }

    public List<String> samples() {
        return samples;
    }

    /** The value that means that nothing happened. */
    public OptionalDouble neutral() {
        return neutral == null ? OptionalDouble.empty() : OptionalDouble.of(neutral);
    }

    /**
     * What a value is compared with: what is neutral, or 0, unless it has a value of its own.
     *
     * @throws BadInputException if there is no such cell or sample
     */
    public double reference(int cell, int sample) {
        requireCell(cell);
        BadInputException.requireIndex("sample", sample, samples.size());
        if (reference == null) {
            return neutral().orElse(0);
        }
        boolean ofSamples = reference.values.length == samples.size();
        return reference.values[ofSamples ? sample : cell * samples.size() + sample];
    }

    /** What samples are compared with that have values of their own for it, in words. */
    public Optional<String> comparedWith() {
        return Optional.ofNullable(reference).map(Reference::name);
    }

    /** Returns whether what is shown are differences from what is neutral. */
    boolean showsDifferences() {
        return reference != null && reference.subtracted && neutral != null;
    }

    /**
     * What text and pictures show of a cell: its mean, or, of a table that is shown as differences, the mean less what
     * is neutral.
     *
     * @throws BadInputException if there is no such cell
     */
    public double shown(int cell) {
        return showsDifferences() ? mean(cell) - Objects.requireNonNull(neutral) : mean(cell);
    }

    /** What is shown of every cell. */
    double[] shown() {
        return IntStream.range(0, cells()).mapToDouble(this::shown).toArray();
    }

    /** What shows no change: 0 of differences. */
    OptionalDouble shownNeutral() {
        return showsDifferences() ? OptionalDouble.of(0) : neutral();
    }

    /** What was measured, with its unit, and over how many samples. */
    String measured() {
        return quantity()
                + (unit().isEmpty() ? "" : " (" + unit() + ")")
                + (samples.size() == 1 ? "" : ", mean over " + samples.size() + " " + sampleKind());
    }

    /** What is subtracted from the means that are {@link #shown}, in words; empty where nothing is. */
    public String subtracted() {
        return showsDifferences()
                ? "differences from " + Figures.brief(Objects.requireNonNull(neutral)) + ", the value without the edit"
                : "";
    }

    /** The head of a picture of the table. */
    Heading heading() {
        return Heading.of(title(), measured() + (showsDifferences() ? ", " + subtracted() : ""), origin());
    }

    /** The units of the samples; empty if they are not known. */
    public Optional<Units> units() {
        return Optional.ofNullable(units);
    }

    /** The statistics of the cells against what is neutral. */
    public TableStatistics statistics() {
        TableStatistics made = statistics;
        if (made == null) {
            made = TableStatistics.of(this);
            statistics = made;
        }
        return made;
    }

    /** Number of cells. */
    public int cells() {
        return values.length / samples.size();
    }

    /**
     * Number of a cell in row-major order.
     *
     * @throws BadInputException if there are more or fewer indices than axes, or an axis has no such step
     */
    public int cell(int... index) {
        if (index.length != axes.size()) {
            throw new BadInputException(
                    "the table '" + title() + "' has " + axes.size() + " axes, found " + Arrays.toString(index));
        }
        int cell = 0;
        for (int a = 0; a < index.length; a++) {
            axes.get(a).requireStep(index[a]);
            cell = cell * axes.get(a).size() + index[a];
        }
        return cell;
    }

    /**
     * The index of a cell on each axis.
     *
     * @throws BadInputException if there is no such cell
     */
    public int[] index(int cell) {
        return Axis.index(axes, cell);
    }

    /** The label of a cell on each axis. */
    public List<String> labels(int cell) {
        int[] index = index(cell);
        return IntStream.range(0, index.length)
                .mapToObj(a -> axes.get(a).labels().get(index[a]))
                .toList();
    }

    /**
     * The values of a cell, one for each sample.
     *
     * @throws BadInputException if there is no such cell
     */
    public double[] values(int cell) {
        requireCell(cell);
        return Arrays.copyOfRange(values, cell * samples.size(), (cell + 1) * samples.size());
    }

    private void requireCell(int cell) {
        if (cell < 0 || cell >= cells()) {
            throw new BadInputException(
                    "the table '" + title() + "' has no cell " + cell + ": cells run from 0 to " + (cells() - 1));
        }
    }

    /** Mean over the samples. */
    public double mean(int cell) {
        return Arrays.stream(values(cell)).sum() / samples.size();
    }

    /** Mean over the samples of the cell with these indices. */
    public double meanAt(int... index) {
        return mean(cell(index));
    }

    /** Standard deviation over the samples, divided by {@code n - 1}; NaN of a single sample. */
    public double standardDeviation(int cell) {
        double mean = mean(cell);
        double squares =
                Arrays.stream(values(cell)).map(v -> (v - mean) * (v - mean)).sum();
        return samples.size() == 1 ? Double.NaN : Math.sqrt(squares / (samples.size() - 1));
    }

    /** Standard error of the mean, clustered by units where they are known; NaN of a single sample or unit. */
    public double standardError(int cell) {
        return units == null
                ? standardDeviation(cell) / Math.sqrt(samples.size())
                : clusteredError(values(cell), units);
    }

    /**
     * The standard error of what is {@link #shown} of a cell: of its mean, or of the mean difference. NaN of a single
     * sample or unit.
     *
     * @throws BadInputException if there is no such cell
     */
    public double shownError(int cell) {
        if (!showsDifferences()) {
            return standardError(cell);
        }
        double[] differences = values(cell);
        for (int sample = 0; sample < differences.length; sample++) {
            differences[sample] -= reference(cell, sample);
        }
        if (units != null) {
            return clusteredError(differences, units);
        }
        int n = differences.length;
        double mean = Arrays.stream(differences).average().orElse(Double.NaN);
        double squares =
                Arrays.stream(differences).map(d -> (d - mean) * (d - mean)).sum();
        return n == 1 ? Double.NaN : Math.sqrt(squares / (n - 1) / n);
    }

    private static double clusteredError(double[] ofCell, Units units) {
        if (units.count() < 2 || !Arrays.stream(ofCell).allMatch(Double::isFinite)) {
            return Double.NaN;
        }
        return TTest.of(ofCell, units).map(TTest::standardError).orElse(0.0);
    }

    /** Every cell's mean, in row-major order. */
    public double[] means() {
        return IntStream.range(0, cells()).mapToDouble(this::mean).toArray();
    }

    /**
     * One cell, which prints its labels and its mean.
     *
     * @param number in row-major order
     * @param labels on each axis, with the axis' name: {@code head 5}
     * @param standardError of the mean; NaN of a single sample
     */
    public record RankedCell(int number, List<String> labels, double mean, double standardError) {
        public RankedCell {
            labels = List.copyOf(labels);
        }

        /** Such as {@code layer 2, head 5: 1.83 ± 0.12}. */
        @Override
        public String toString() {
            return String.join(", ", labels) + ": " + Figures.brief(mean)
                    + (Double.isNaN(standardError) ? "" : " ± " + Figures.brief(standardError));
        }
    }

    /**
     * The cells whose means are farthest from what is neutral, or from 0, the farthest first.
     *
     * @param n how many; all whose mean is a number if there are fewer
     * @throws BadInputException if {@code n} is not positive
     */
    public List<RankedCell> top(int n) {
        if (n < 1) {
            throw new BadInputException("the number of cells must be at least 1, found " + n);
        }
        double from = neutral().orElse(0);
        double[] means = means();
        return IntStream.range(0, means.length)
                .filter(cell -> Double.isFinite(means[cell]))
                .boxed()
                .sorted(Comparator.comparingDouble(cell -> -Math.abs(means[cell] - from)))
                .limit(n)
                .map(cell -> new RankedCell(cell, named(cell), means[cell], standardError(cell)))
                .toList();
    }

    private List<String> named(int cell) {
        List<String> labels = labels(cell);
        return IntStream.range(0, labels.size())
                .mapToObj(a -> axes.get(a).name() + " " + labels.get(a))
                .toList();
    }

    /** Every cell's mean as a tensor, whose axes are the table's. */
    public Tensor tensor() {
        return Tensor.view(
                title(),
                axes.stream().map(Axis::name).toList(),
                axes.stream().map(Axis::size).toList(),
                means());
    }

    /** The table as the command shows it, without colours. */
    @Override
    public String toString() {
        return String.join("\n", TableScreen.lines(this, TableScreen.Style.PLAIN));
    }
}
