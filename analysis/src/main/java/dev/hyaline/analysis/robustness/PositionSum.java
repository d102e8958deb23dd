package dev.hyaline.analysis.robustness;

import dev.hyaline.analysis.causal.AblationSweep;
import dev.hyaline.analysis.causal.AblationSweep.Along;
import dev.hyaline.analysis.causal.ActivationPatch;
import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.causal.PatchingDirection;
import dev.hyaline.analysis.causal.PositionAxis;
import dev.hyaline.analysis.causal.Sweep;
import dev.hyaline.analysis.graph.Node;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.sanity.BuiltInMethod;
import dev.hyaline.analysis.sanity.Finding;
import dev.hyaline.analysis.sanity.HeadAblation;
import dev.hyaline.analysis.sanity.Method;
import dev.hyaline.analysis.sanity.Subject;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.site.Site;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A method that edits a head at all positions together, made to edit it at one position after another: a head's effect
 * is the sum of its effects at the roles that all pairs have, or at every position where they have none but the last.
 */
record PositionSum(Method whole) implements Method {
    /** Null if the method does not edit heads at all positions together, or the pairs' positions do not correspond. */
    static @Nullable PositionSum of(Method method, PromptPairs pairs) {
        boolean edits = method == BuiltInMethod.ABLATE
                || method == BuiltInMethod.ABLATE_MEAN
                || method == BuiltInMethod.PATCH
                || method instanceof HeadAblation
                || (method instanceof WrittenMethod written && written.ablatesHeads());
        boolean places = pairs.roles().size() > 1 || Variations.haveOneLength(pairs);
        return edits && places ? new PositionSum(method) : null;
    }

    @Override
    public String title() {
        return whole.title() + " by position";
    }

    @Override
    public Finding run(Subject subject) {
        PromptPairs pairs = subject.pairs();
        Gpt2Config config = subject.model().config();
        PositionAxis axis = pairs.roles().size() > 1
                ? PositionAxis.ofRoles(pairs, List.copyOf(pairs.roles()))
                : PositionAxis.all(pairs);
        boolean patch = whole == BuiltInMethod.PATCH;
        Sweep sweep = patch
                ? ActivationPatch.ATTN_HEAD_OUT_BY_POS.sweep(config, PatchingDirection.DENOISING, axis)
                : AblationSweep.of(
                        config, whole.ablation(), Site.Z, Along.everyHead().positions(axis));
        ResultTable table = Experiment.start(subject.model(), pairs, subject.metric())
                .sweep(sweep)
                .table();
        List<String> components = new ArrayList<>();
        List<double[]> effects = new ArrayList<>();
        for (int layer = 0; layer < config.nLayers(); layer++) {
            for (int head = 0; head < config.nHeads(); head++) {
                double[] sums = new double[pairs.size()];
                for (int position = 0; position < axis.size(); position++) {
                    int cell = patch ? table.cell(layer, position, head) : table.cell(layer, head, position);
                    double[] values = table.values(cell);
                    for (int pair = 0; pair < sums.length; pair++) {
                        double change = values[pair] - table.reference(cell, pair);
                        sums[pair] += patch ? change : -change;
                    }
                }
                components.add(new Node.Head(layer, head).toString());
                effects.add(sums);
            }
        }
        return new Finding(components, effects.toArray(double[][]::new), null);
    }
}
