package dev.hyaline.instrument.internal;

import dev.hyaline.engine.Gpt2Config;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.IndexSelection;
import java.util.ArrayList;
import java.util.List;

/** Neighbouring values of a token's at a site: what a choice of heads or neurons leaves of it. */
public record ColumnRange(int first, int count) {
    /** The runs of values that are chosen, ascending; none if that is the whole row, or the site has no such parts. */
    public static List<ColumnRange> of(Gpt2Config config, Site site, IndexSelection heads, IndexSelection neurons) {
        return switch (site.shape()) {
            case HEADS, HEAD_RESIDUAL ->
                heads.isAll() ? List.of() : runs(heads.in(config.nHeads(), "head"), site.placeWidth(config));
            case NEURONS -> neurons.isAll() ? List.of() : runs(neurons.in(config.dMlp(), "neuron"), 1);
            case RESIDUAL, SCALE, LOGITS, ATTENTION -> List.of();
        };
    }

    /**
     * Ascending indices as runs of neighbours.
     *
     * @param unit values that an index stands for
     */
    private static List<ColumnRange> runs(int[] indices, int unit) {
        List<ColumnRange> runs = new ArrayList<>();
        for (int i = 0; i < indices.length; ) {
            int first = i;
            do {
                i++;
            } while (i < indices.length && indices[i] == indices[i - 1] + 1);
            runs.add(new ColumnRange(indices[first] * unit, (i - first) * unit));
        }
        return List.copyOf(runs);
    }
}
