package dev.hyaline.instrument.capture;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.engine.internal.kernel.DoubleFma;
import dev.hyaline.engine.tensor.Tensor;
import dev.hyaline.files.Printable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.IntConsumer;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Labelled vectors in the residual stream, one of each label for every recorded token: {@code [components, rows,
 * dModel]}. Often they are parts of one residual stream, which is then known as their {@linkplain #whole whole}.
 *
 * <p>Values are computed when they are asked for: a stack of every neuron costs no more memory than the neurons'
 * activations and their weights. Immutable and thread-safe.
 */
public final class ResidualStack {
    /** Writes a component's vector for one row, {@code [dModel]}, to {@code out} from {@code offset}. */
    @FunctionalInterface
    public interface RowSource {
        void row(int row, float[] out, int offset);
    }

    /** One entry of a stack. Its source must allow calls from several threads at once. */
    public record Component(String label, RowSource source) {}

    private final TokenRows rows;
    private final int dModel;
    private final List<Component> components;
    private final @Nullable RowSource whole;

    private ResidualStack(TokenRows rows, int dModel, List<Component> components, @Nullable RowSource whole) {
        this.rows = rows;
        this.dModel = dModel;
        this.components = List.copyOf(components);
        this.whole = whole;
    }

    /** Components that are not known to be the parts of anything. */
    public static ResidualStack of(TokenRows rows, int dModel, List<Component> components) {
        return new ResidualStack(rows, dModel, components, null);
    }

    /** Components whose sum should be {@code whole}. */
    public static ResidualStack of(TokenRows rows, int dModel, List<Component> components, RowSource whole) {
        return new ResidualStack(rows, dModel, components, whole);
    }

    /** Number of components. */
    public int size() {
        return components.size();
    }

    public List<String> labels() {
        return components.stream().map(Component::label).toList();
    }

    /** The tokens its rows belong to. */
    public TokenRows rows() {
        return rows;
    }

    public int dModel() {
        return dModel;
    }

    /**
     * The index of a label.
     *
     * @throws BadInputException if no component has it
     */
    public int index(String label) {
        int index = labels().indexOf(label);
        if (index < 0) {
            throw new BadInputException("the stack has no component " + label);
        }
        return index;
    }

    /** All vectors, {@code [component, row, dimension]}: computed, and copied. */
    public Tensor tensor() {
        int perComponent = Math.multiplyExact(rows.size(), dModel);
        float[] all = new float[Math.multiplyExact(size(), perComponent)];
        for (int c = 0; c < size(); c++) {
            System.arraycopy(values(c), 0, all, c * perComponent, perComponent);
        }
        return Tensor.view(
                "residual stack", List.of("component", "row", "dimension"), List.of(size(), rows.size(), dModel), all);
    }

    /** A component's vectors, {@code [rows, dModel]}. */
    public float[] values(int component) {
        return values(component(component).source);
    }

    /** The vectors of the component with a label, {@code [rows, dModel]}. */
    public float[] values(String label) {
        return values(index(label));
    }

    /** A component's vector for one token, {@code [dModel]}. */
    public float[] vector(int component, int row) {
        RowSource source = component(component).source;
        BadInputException.requireIndex("row", row, rows.size());
        float[] out = new float[dModel];
        source.row(row, out, 0);
        return out;
    }

    /** The sum of all components, {@code [rows, dModel]}, added in float64. */
    public float[] sum() {
        float[] out = new float[rows.size() * dModel];
        forEachRow(row -> {
            double[] sum = sum(row);
            for (int i = 0; i < dModel; i++) {
                out[row * dModel + i] = (float) sum[i];
            }
        });
        return out;
    }

    /** The sum that the components are parts of, {@code [rows, dModel]}; empty if they are not. */
    public Optional<float[]> whole() {
        return Optional.ofNullable(whole).map(this::values);
    }

    /**
     * Compares the components' sum with their whole.
     *
     * @throws BadInputException if they are not the parts of anything, or that was not recorded
     */
    public SumCheck sumCheck() {
        RowSource source = requireWhole();
        SumCheck[] ofRows = new SumCheck[rows.size()];
        forEachRow(row -> {
            float[] expected = new float[dModel];
            source.row(row, expected, 0);
            ofRows[row] = SumCheck.of(doubles(expected), sum(row));
        });
        return Arrays.stream(ofRows).reduce(SumCheck::and).orElseThrow();
    }

    /** The components that have one of the labels, in the stack's order; their whole stays the same. */
    public ResidualStack select(String... labels) {
        for (String label : labels) {
            index(label);
        }
        List<String> chosen = List.of(labels);
        return new ResidualStack(
                rows,
                dModel,
                components.stream().filter(c -> chosen.contains(c.label)).toList(),
                whole);
    }

    /**
     * These components and one called {@code remainder}: what they lack to their whole.
     *
     * @throws BadInputException if they are not the parts of anything, or that was not recorded
     */
    public ResidualStack withRemainder() {
        RowSource source = requireWhole();
        List<Component> all = new ArrayList<>(components);
        all.add(new Component("remainder", (row, out, offset) -> {
            source.row(row, out, offset);
            double[] sum = sum(row);
            for (int i = 0; i < dModel; i++) {
                out[offset + i] = (float) (out[offset + i] - sum[i]);
            }
        }));
        return new ResidualStack(rows, dModel, all, whole);
    }

    /** Scalar products with a direction, {@code [components][rows]}, in float64. */
    public double[][] project(float[] direction) {
        if (direction.length != dModel) {
            throw new BadShapeException("direction", dModel + " values", direction.length + " values");
        }
        double[] wide = doubles(direction);
        return project(row -> wide);
    }

    /** Scalar products with each row's own direction, {@code [components][rows]}. */
    double[][] project(IntFunction<double[]> direction) {
        double[][] out = new double[size()][rows.size()];
        IntStream.range(0, size()).parallel().forEach(c -> {
            float[] vector = new float[dModel];
            for (int row = 0; row < rows.size(); row++) {
                components.get(c).source.row(row, vector, 0);
                double[] along = direction.apply(row);
                double product = 0;
                for (int i = 0; i < dModel; i++) {
                    product = DoubleFma.fma(vector[i], along[i], product);
                }
                out[c][row] = product;
            }
        });
        return out;
    }

    /**
     * Every component changed, and their whole too. The change has to be linear if their sum is to remain the whole.
     */
    ResidualStack map(Function<RowSource, RowSource> change) {
        return new ResidualStack(
                rows,
                dModel,
                components.stream()
                        .map(c -> new Component(c.label, change.apply(c.source)))
                        .toList(),
                whole == null ? null : change.apply(whole));
    }

    private Component component(int component) {
        return components.get(BadInputException.requireIndex("component", component, size()));
    }

    private RowSource requireWhole() {
        if (whole == null) {
            throw new BadInputException(
                    "the stack knows no residual stream to compare with; record resid_pre, resid_mid and resid_post");
        }
        return whole;
    }

    private double[] sum(int row) {
        double[] sum = new double[dModel];
        float[] vector = new float[dModel];
        for (Component component : components) {
            component.source.row(row, vector, 0);
            for (int i = 0; i < dModel; i++) {
                sum[i] += vector[i];
            }
        }
        return sum;
    }

    private float[] values(RowSource source) {
        float[] out = new float[Math.multiplyExact(rows.size(), dModel)];
        forEachRow(row -> source.row(row, out, row * dModel));
        return out;
    }

    private void forEachRow(IntConsumer action) {
        IntStream.range(0, rows.size()).parallel().forEach(action);
    }

    private static double[] doubles(float[] values) {
        double[] out = new double[values.length];
        for (int i = 0; i < out.length; i++) {
            out[i] = values[i];
        }
        return out;
    }

    /** The labels of its components. */
    @Override
    public String toString() {
        return "stack of " + size() + " components x " + rows.size() + " rows x " + dModel + " dimensions: "
                + Printable.listed(labels());
    }
}
