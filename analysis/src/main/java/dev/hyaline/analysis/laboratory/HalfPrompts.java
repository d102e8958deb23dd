package dev.hyaline.analysis.laboratory;

import dev.hyaline.analysis.investigation.Evidence;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.files.Printable;
import java.util.function.UnaryOperator;

/**
 * One half of a study's prompts, and in its type which: what was found on {@code HalfPrompts<DiscoveryHalf>} is tested
 * on {@code HalfPrompts<HeldOutHalf>} and on nothing else. Only a study divides prompts.
 *
 * @param <H> the half
 */
public final class HalfPrompts<H extends HalfPrompts.Half> {
    private final PromptSet prompts;

    /** The halves. */
    public sealed interface Half {
        /** The half that circuits are searched for on. */
        final class DiscoveryHalf implements Half {
            private DiscoveryHalf() {}
        }

        /** The half that claims are tested on. */
        final class HeldOutHalf implements Half {
            private HeldOutHalf() {}
        }
    }

    HalfPrompts(PromptSet prompts) {
        this.prompts = prompts;
    }

    /** The prompts, of a half that no longer matters. */
    public PromptSet prompts() {
        return prompts;
    }

    /** Runs the prompts. The model must stay open. */
    public HalfEvidence<H> evidence(Gpt2 model, Metric metric) {
        return new HalfEvidence<>(prompts.evidence(model, metric));
    }

    /**
     * Runs of one half.
     *
     * @param <H> the half
     */
    public static final class HalfEvidence<H extends Half> {
        private final Evidence evidence;

        private HalfEvidence(Evidence evidence) {
            this.evidence = evidence;
        }

        /** The same runs, measured in another way. */
        HalfEvidence<H> with(UnaryOperator<Evidence> change) {
            return new HalfEvidence<>(change.apply(evidence));
        }

        /** The runs, of a half that no longer matters. */
        public Evidence evidence() {
            return evidence;
        }

        @Override
        public String toString() {
            return "evidence on one half of the prompts";
        }
    }

    @Override
    public String toString() {
        return "one half of the prompts: " + Printable.plural(prompts.pairs().size(), "pair");
    }
}
