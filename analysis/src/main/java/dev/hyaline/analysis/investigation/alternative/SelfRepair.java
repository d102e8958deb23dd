package dev.hyaline.analysis.investigation.alternative;

import dev.hyaline.analysis.causal.Side;
import dev.hyaline.analysis.graph.Node;
import dev.hyaline.analysis.investigation.Claim;
import dev.hyaline.analysis.investigation.ClaimComponent;
import dev.hyaline.analysis.investigation.ClaimComponent.HeadComponent;
import dev.hyaline.analysis.investigation.ClaimComponent.MlpComponent;
import dev.hyaline.analysis.investigation.Evidence;
import dev.hyaline.analysis.investigation.Expectation;
import dev.hyaline.analysis.investigation.TestedClaim;
import dev.hyaline.analysis.investigation.Treatment;
import dev.hyaline.analysis.investigation.Treatment.Candidates;
import dev.hyaline.analysis.investigation.Treatment.Replacement;
import dev.hyaline.analysis.statistics.Bootstrap;
import dev.hyaline.analysis.statistics.Interval;
import dev.hyaline.analysis.statistics.VerdictInterval;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Target;
import dev.hyaline.instrument.run.BaseRun;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Later components make up for what is taken away, so that no effect is seen of what has one. Excluded if the direct
 * effect, with every later head and MLP held at its clean output, stays below the claimed number, and so does the
 * effect where any one later component is ablated too.
 */
public record SelfRepair() implements Alternative {
    @Override
    public String name() {
        return "self-repair";
    }

    @Override
    public String prediction() {
        return "later components make up for the loss: the direct effect, or the effect without one of them, is larger";
    }

    @Override
    public boolean concerns(Claim claim) {
        return claim.expectation() instanceof Expectation.NoEffect
                && claim.treatment() instanceof Treatment.AblateComponents
                && claim.components().stream()
                        .allMatch(component -> component instanceof HeadComponent || component instanceof MlpComponent);
    }

    @Override
    public boolean isRequiredBy(Claim claim) {
        return claim.primary() && concerns(claim);
    }

    @Override
    public AlternativeFinding test(TestedClaim claim) {
        double bound =
                ((Expectation.NoEffect) claim.claim().expectation()).amount().inMetric(claim.gap());
        List<ClaimComponent> components = claim.claim().components();
        Evidence evidence = claim.evidence();
        Replacement replacement = ((Treatment.AblateComponents) claim.claim().treatment()).replacement();
        double largest =
                reach(claim, "direct", difference(evidence.clean(), direct(evidence, components, replacement)));
        String where = "directly";
        List<ClaimComponent> later = evidence.all(Candidates.HEADS_AND_MLPS).stream()
                .filter(other -> !components.contains(other)
                        && components.stream().anyMatch(own -> node(own).isBefore(node(other))))
                .toList();
        if (!later.isEmpty()) {
            double[][] without = evidence.withoutEach(List.of(), later, replacement);
            double[][] both = evidence.withoutEach(components, later, replacement);
            for (int i = 0; i < later.size(); i++) {
                double reach = reach(claim, later.get(i).toString(), difference(without[i], both[i]));
                if (reach > largest) {
                    largest = reach;
                    where = "without " + later.get(i);
                }
            }
        }
        return AlternativeFinding.decided(
                this,
                claim,
                largest < bound,
                "largest end of the effect's intervals",
                largest,
                bound,
                new double[0],
                "directly and without any of " + later.size() + " later components the effect reaches at most "
                        + (float) largest + ", " + where);
    }

    private static double[] difference(double[] a, double[] b) {
        double[] difference = new double[a.length];
        Arrays.setAll(difference, pair -> a[pair] - b[pair]);
        return difference;
    }

    /** The end of an effect's interval that is farther from 0; of one without spread its size. */
    private double reach(TestedClaim claim, String label, double[] values) {
        double mean = Arrays.stream(values).average().orElseThrow();
        Interval interval = VerdictInterval.of(
                        values,
                        claim.units(),
                        claim.level(),
                        Bootstrap.REPLICATES,
                        claim.random(claim.claim().name() + "/" + name() + "/" + label))
                .map(VerdictInterval::interval)
                .orElse(new Interval(mean, mean));
        return Math.max(Math.abs(interval.low()), Math.abs(interval.high()));
    }

    /** The metric with the components replaced and every later node held. */
    private static double[] direct(Evidence evidence, List<ClaimComponent> components, Replacement replacement) {
        BaseRun clean = evidence.experiment().runs().run(Side.CLEAN);
        Evidence.PairEdits ablation = evidence.edits(new Treatment.AblateComponents(replacement), components);
        List<Intervention> held = new ArrayList<>();
        Gpt2Config config = evidence.experiment().config();
        for (int layer = 0; layer < config.nLayers(); layer++) {
            int of = layer;
            int[] heads = IntStream.range(0, config.nHeads())
                    .filter(head -> isHeld(new HeadComponent(of, head), components))
                    .toArray();
            if (heads.length > 0) {
                held.add(Intervention.patch(Target.of(Site.Z, layer).heads(heads), clean));
            }
            if (isHeld(new MlpComponent(layer), components)) {
                held.add(Intervention.patch(Target.of(Site.MLP_OUT, layer), clean));
            }
        }
        return evidence.edited(
                        "direct effect of " + components + " (" + replacement + ")", Side.CLEAN, List.of(pair -> {
                            List<Intervention> all = new ArrayList<>(ablation.of(pair));
                            all.addAll(held);
                            return all;
                        }))[0];
    }

    private static boolean isHeld(ClaimComponent other, List<ClaimComponent> components) {
        return !components.contains(other)
                && components.stream().anyMatch(own -> node(own).isBefore(node(other)));
    }

    private static Node node(ClaimComponent component) {
        return component instanceof HeadComponent head
                ? new Node.Head(head.layer(), head.head())
                : new Node.Mlp(((MlpComponent) component).layer());
    }
}
