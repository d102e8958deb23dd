package dev.hyaline.analysis.sanity;

import dev.hyaline.analysis.causal.Ablation;
import dev.hyaline.analysis.causal.AblationSweep;
import dev.hyaline.analysis.causal.AblationSweep.Along;
import dev.hyaline.analysis.causal.ActivationPatch;
import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.causal.PatchingDirection;
import dev.hyaline.analysis.causal.Sweep;
import dev.hyaline.analysis.graph.Node;
import dev.hyaline.analysis.lens.DirectLogitAttribution;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.engine.site.Site;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** The laboratory's own methods that score heads. */
public enum BuiltInMethod implements Method {
    /** The loss by a head's ablation by zero. */
    ABLATE {
        @Override
        public Finding run(Subject subject) {
            return ofSweep(subject, ablation(subject, Ablation.zero()), -1);
        }
    },
    /** The loss by a head's ablation by its mean over the clean prompts. */
    ABLATE_MEAN {
        @Override
        public Finding run(Subject subject) {
            return ofSweep(subject, ablation(subject, Ablation.mean()), -1);
        }
    },
    /** What a head's output in the clean run brings back in the corrupted one. */
    PATCH {
        @Override
        public Finding run(Subject subject) {
            return ofSweep(
                    subject,
                    ActivationPatch.ATTN_HEAD_OUT_ALL_POS.sweep(
                            subject.model().config(), PatchingDirection.DENOISING, subject.pairs()),
                    1);
        }
    },
    /** What a head adds to the logit difference itself. */
    ATTRIBUTE {
        @Override
        public Finding run(Subject subject) {
            DirectLogitAttribution.Result result = DirectLogitAttribution.of(
                            subject.model(), subject.pairs(), PromptPair.END)
                    .byHead();
            return of(subject, result.table(), 1, result.sumCheck().relativeError());
        }
    };

    @Override
    public String title() {
        return toString();
    }

    private static Sweep ablation(Subject subject, Ablation ablation) {
        return AblationSweep.of(subject.model().config(), ablation, Site.Z, Along.everyHead());
    }

    private static Finding ofSweep(Subject subject, Sweep sweep, int sign) {
        Experiment experiment = Experiment.start(subject.model(), subject.pairs(), subject.metric());
        return of(subject, experiment.sweep(sweep).table(), sign, null);
    }

    /** A table of layers and heads, and perhaps more columns, which are left out. */
    private static Finding of(Subject subject, ResultTable table, int sign, @Nullable Double sumError) {
        List<String> components = new ArrayList<>();
        List<double[]> effects = new ArrayList<>();
        for (int layer = 0; layer < subject.model().config().nLayers(); layer++) {
            for (int head = 0; head < subject.model().config().nHeads(); head++) {
                components.add(new Node.Head(layer, head).toString());
                double[] values = table.values(table.cell(layer, head));
                for (int pair = 0; pair < values.length; pair++) {
                    values[pair] = sign * (values[pair] - table.reference(pair));
                }
                effects.add(values);
            }
        }
        return new Finding(components, effects.toArray(double[][]::new), sumError);
    }

    /** The name on a command line, such as {@code ablate-mean}. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
