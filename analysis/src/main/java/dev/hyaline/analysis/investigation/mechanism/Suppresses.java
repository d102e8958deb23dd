package dev.hyaline.analysis.investigation.mechanism;

import dev.hyaline.analysis.causal.PatchingDirection;
import dev.hyaline.analysis.investigation.ClaimComponent.HeadComponent;
import dev.hyaline.analysis.investigation.ClaimFinding.ClaimDirection;
import dev.hyaline.analysis.investigation.Expectation.EffectAmount;
import dev.hyaline.analysis.investigation.Treatment;
import dev.hyaline.analysis.investigation.Treatment.Replacement;
import dev.hyaline.engine.error.BadInputException;
import java.util.ArrayList;
import java.util.List;

/**
 * Heads suppress what stands at a role ("S-inhibition", negative movers; Wang et al. 2022). Each attends to the role;
 * ablated together they cost a size; made to look at the answer's role instead they suppress the answer, so that the
 * metric falls below that without them; and their effect goes through given receivers.
 *
 * @param role that they suppress
 * @param answerRole where the answer stands
 * @param to receivers of their paths, as {@link dev.hyaline.analysis.graph.Receiver#parse} takes them: the queries of
 *     movers, or {@code logits}; empty where none is claimed
 * @param attention least mean attention to the role
 * @param cost of ablating them
 * @param share of their effect that must go to the receivers
 */
public record Suppresses(
        List<HeadComponent> heads,
        String from,
        String role,
        String answerRole,
        List<String> to,
        Replacement replacement,
        double attention,
        EffectAmount cost,
        double share)
        implements Mechanism {
    /** The share of the effect by default. */
    public static final double SHARE = 0.5;

    /** @throws BadInputException if there is no head, or a number is out of its range */
    public Suppresses {
        heads = List.copyOf(heads);
        to = List.copyOf(to);
        Copies.requireHeads(heads, "suppresses");
        Copies.requireShare("attention", attention);
        Copies.requireShare("share of the effect", share);
    }

    @Override
    public String name() {
        return "suppresses";
    }

    @Override
    public List<SubClaim> subClaims() {
        List<SubClaim> all = new ArrayList<>();
        heads.forEach(head -> all.add(Copies.attends(head, from, role, attention)));
        Treatment ablate = new Treatment.AblateComponents(replacement);
        all.add(new SubClaim.OfPrompts(
                "ablation costs",
                "ablating " + heads + " costs at least " + cost,
                ClaimDirection.AT_LEAST,
                study -> cost.inMetric(study.gap()),
                study -> new SubClaim.Sample(
                        Copies.difference(study.evidence().clean(), study.run(ablate, heads)), study.units())));
        all.add(SubClaim.atLeast(
                "looking at " + answerRole + " turns the effect",
                "made to look from " + from + " at " + answerRole + ", " + heads
                        + " leave less of the metric than ablated",
                0,
                study -> new SubClaim.Sample(
                        Copies.difference(
                                study.run(ablate, heads), study.run(new Treatment.LookAt(from, answerRole), heads)),
                        study.units())));
        if (!to.isEmpty()) {
            all.add(shareOfPath(heads, to, share));
        }
        return all;
    }

    /** The paths carry a share of the senders' whole effect. */
    static SubClaim shareOfPath(List<HeadComponent> heads, List<String> to, double share) {
        return SubClaim.atLeast(
                "path to " + String.join(", ", to),
                "the paths from " + heads + " to " + String.join(", ", to) + " carry at least " + share
                        + " of their whole effect",
                0,
                study -> {
                    double[] clean = study.evidence().clean();
                    double[] whole = Copies.difference(
                            clean, study.run(new Treatment.PatchComponents(PatchingDirection.NOISING), heads));
                    double[] path = Copies.difference(
                            clean, study.run(new Treatment.PatchPath(PatchingDirection.NOISING, to), heads));
                    return new SubClaim.Sample(contrast(path, whole, share), study.units());
                });
    }

    /** By pair, what a part has beyond a share of the whole, turned so that the whole is positive on average. */
    static double[] contrast(double[] part, double[] whole, double share) {
        double sum = 0;
        for (double value : whole) {
            sum += value;
        }
        double sign = sum < 0 ? -1 : 1;
        double[] contrast = new double[part.length];
        for (int pair = 0; pair < contrast.length; pair++) {
            contrast[pair] = sign * (part[pair] - share * whole[pair]);
        }
        return contrast;
    }
}
