package dev.hyaline.analysis.investigation.mechanism;

import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.causal.Side;
import dev.hyaline.analysis.investigation.ClaimComponent;
import dev.hyaline.analysis.investigation.ClaimComponent.HeadComponent;
import dev.hyaline.analysis.investigation.Evidence;
import dev.hyaline.analysis.investigation.StudyPlan.TestDesign;
import dev.hyaline.analysis.investigation.Treatment;
import dev.hyaline.analysis.lens.DirectLogitAttribution;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.statistics.Units;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.ActivationSource;
import dev.hyaline.instrument.CounterRandom;
import dev.hyaline.instrument.weights.ModelWeights;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The evidence that mechanisms are tested on, and measures of it that several share. Not thread-safe. */
public final class MechanismStudy {
    private final Evidence evidence;
    private final double gap;
    private final TestDesign design;
    private final String study;
    private final long seed;
    private final Map<String, ResultTable> attributions = new HashMap<>();
    private @Nullable RepeatedTokens repeated;

    private MechanismStudy(Evidence evidence, double gap, TestDesign design, String study, long seed) {
        this.evidence = evidence;
        this.gap = gap;
        this.design = design;
        this.study = study;
        this.seed = seed;
    }

    /**
     * A study of evidence.
     *
     * @param gap the metric's distance that shares of the gap mean
     * @param study a name, which begins the labels of all that is drawn
     */
    public static MechanismStudy of(Evidence evidence, double gap, TestDesign design, String study, long seed) {
        return new MechanismStudy(evidence, gap, design, study, seed);
    }

    public Evidence evidence() {
        return evidence;
    }

    public double gap() {
        return gap;
    }

    public TestDesign design() {
        return design;
    }

    public Experiment experiment() {
        return evidence.experiment();
    }

    public Gpt2 model() {
        return experiment().runs().model();
    }

    public Gpt2Config config() {
        return experiment().config();
    }

    public PromptPairs pairs() {
        return experiment().pairs();
    }

    /** Which pairs were drawn together; each by itself where that is not known. */
    public Units units() {
        return pairs().units().orElse(Units.each(pairs().size()));
    }

    /** The model's parameters. */
    public ModelWeights weights() {
        return ModelWeights.of(model().weights());
    }

    /** The numbers of a named quantity of the study. */
    public CounterRandom random(String label) {
        return CounterRandom.of(seed).named(study + "/" + label);
    }

    /** The metric of the treated runs, by pair. */
    public double[] run(Treatment treatment, List<? extends ClaimComponent> components) {
        return evidence.run(treatment, List.copyOf(components));
    }

    /** A head's attention from one role to another, by pair. */
    public double[] attention(HeadComponent head, String from, String at) {
        return run(new Treatment.Attend(from, at), List.of(head));
    }

    /** A head's direct contribution to the logit difference at a role, by pair. */
    public double[] directAttribution(HeadComponent head, String at) {
        ResultTable table = attributions.computeIfAbsent(
                at,
                role -> DirectLogitAttribution.of(model(), pairs(), role)
                        .byHead()
                        .table());
        return table.values(table.cell(head.layer(), head.head()));
    }

    /** The values of a site in the clean runs. */
    public ActivationSource clean(Site site) {
        return experiment().runs().recorded(Side.CLEAN, site);
    }

    /** Random prompts, each of different tokens given twice, and others without repetition. */
    public RepeatedTokens repeated() {
        RepeatedTokens drawn = repeated;
        if (drawn == null) {
            PromptPair first = pairs().get(0);
            boolean begins = pairs().list().stream().allMatch(pair -> pair.clean()[0] == first.clean()[0]);
            drawn = RepeatedTokens.draw(model(), begins ? first.clean()[0] : -1, random("repeated-tokens"));
            repeated = drawn;
        }
        return drawn;
    }

    @Override
    public String toString() {
        return "mechanisms of " + study;
    }
}
