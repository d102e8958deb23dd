package dev.hyaline.instrument.capture;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.tensor.Tensor;
import dev.hyaline.files.Printable;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The direct contribution of each component of the residual stream to a logit, or to the difference of two, through the
 * final LayerNorm, whose scale is held at the run's. All in float64.
 *
 * <p>The final norm's gain and bias and the unembedding's bias are taken into account, so that with all components the
 * sums are the model's logits whether or not its LayerNorms are folded.
 */
public final class LogitAttribution {
    private final TokenRows rows;
    private final List<String> labels;
    /** {@code [components][rows]}. */
    private final double[][] values;
    /** {@code [rows]}. */
    private final double[] bias;

    /** {@code [rows]}, null where not known. */
    private final @Nullable Double[] logits;

    LogitAttribution(TokenRows rows, List<String> labels, double[][] values, double[] bias, @Nullable Double[] logits) {
        this.rows = rows;
        this.labels = labels;
        this.values = values;
        this.bias = bias;
        this.logits = logits;
    }

    public List<String> labels() {
        return labels;
    }

    /** The tokens after which the logits stand. */
    public TokenRows rows() {
        return rows;
    }

    /** All contributions, {@code [component, row]}. */
    public Tensor tensor() {
        double[] all = Arrays.stream(values).flatMapToDouble(Arrays::stream).toArray();
        return Tensor.view("logit attribution", List.of("component", "row"), List.of(values.length, rows.size()), all);
    }

    /** Contribution of a component to one row's logit. */
    public double value(int component, int row) {
        return component(component)[BadInputException.requireIndex("row", row, rows.size())];
    }

    /** Contributions of a component, {@code [rows]}. */
    public double[] values(int component) {
        return component(component).clone();
    }

    private double[] component(int component) {
        return values[BadInputException.requireIndex("component", component, values.length)];
    }

    /** Contributions of the component with a label, {@code [rows]}. */
    public double[] values(String label) {
        int index = labels.indexOf(label);
        if (index < 0) {
            throw new BadInputException("the attribution has no component " + label);
        }
        return values(index);
    }

    /** Each component's mean contribution over all rows, {@code [components]}. */
    public double[] means() {
        return IntStream.range(0, values.length)
                .mapToDouble(c -> IntStream.range(0, rows.size())
                        .mapToDouble(row -> values[c][row])
                        .average()
                        .orElseThrow())
                .toArray();
    }

    /** The part that no component contributes: the final norm's bias and the unembedding's, {@code [rows]}. */
    public double[] bias() {
        return bias.clone();
    }

    /** All components and the bias together, {@code [rows]}. */
    public double[] sums() {
        double[] sums = bias.clone();
        for (double[] component : values) {
            for (int row = 0; row < sums.length; row++) {
                sums[row] += component[row];
            }
        }
        return sums;
    }

    /**
     * Compares the sums with the logits that the run had, at those tokens whose logits are known: the last of each
     * sequence, and all if {@code unembed.hook_out} was recorded. Components that are missing show as an error.
     *
     * @throws BadInputException if no logits are known
     */
    public SumCheck sumCheck() {
        int[] known = IntStream.range(0, rows.size())
                .filter(row -> logits[row] != null)
                .toArray();
        if (known.length == 0) {
            throw new BadInputException("no logits of these tokens are known; record unembed.hook_out");
        }
        double[] sums = sums();
        return SumCheck.of(
                IntStream.of(known).mapToDouble(row -> logits[row]).toArray(),
                IntStream.of(known).mapToDouble(row -> sums[row]).toArray());
    }

    /** The labels of its components. */
    @Override
    public String toString() {
        return "attribution of " + values.length + " components x " + rows.size() + " rows: "
                + Printable.listed(labels);
    }
}
