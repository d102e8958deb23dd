package dev.hyaline.analysis.investigation.mechanism;

import dev.hyaline.analysis.investigation.ClaimComponent.HeadComponent;
import dev.hyaline.analysis.investigation.Treatment;
import dev.hyaline.engine.error.BadInputException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Heads copy the token at a role to where they look from ("name mover", Wang et al. 2022). Each attends to the role,
 * and more than to any other; its OV circuit ranks the token there among the first; it adds to the answer directly.
 * Made to look at another role together they lower the metric, at the right one they raise it.
 *
 * @param others roles that they should not copy from
 * @param attention least mean attention to the role
 * @param rank the largest rank that counts as copied
 * @param share of prompts on which it must be reached
 */
public record Copies(
        List<HeadComponent> heads,
        String from,
        String role,
        List<String> others,
        double attention,
        int rank,
        double share)
        implements Mechanism {
    /** Least mean attention by default. */
    public static final double ATTENTION = 0.3;

    /** The largest rank by default. */
    public static final int RANK = 5;

    /** The share of prompts by default. */
    public static final double SHARE = 0.75;

    /** @throws BadInputException if there is no head or no other role, or a number is out of its range */
    public Copies {
        heads = List.copyOf(heads);
        others = List.copyOf(others);
        requireHeads(heads, "copies");
        requireShare("attention", attention);
        requireShare("share of prompts", share);
        if (others.isEmpty()) {
            throw new BadInputException("copies needs another role that the heads do not copy from");
        }
        if (rank < 1) {
            throw new BadInputException("the rank of a copied token is at least 1, found " + rank);
        }
    }

    static void requireHeads(List<HeadComponent> heads, String word) {
        if (heads.isEmpty()) {
            throw new BadInputException(word + " is claimed of at least one head");
        }
    }

    static void requireShare(String what, double value) {
        if (!(value > 0 && value <= 1)) {
            throw new BadInputException("the " + what + " lies above 0 and is at most 1, found " + value);
        }
    }

    @Override
    public String name() {
        return "copies";
    }

    @Override
    public List<SubClaim> subClaims() {
        List<SubClaim> all = new ArrayList<>();
        for (HeadComponent head : heads) {
            all.add(attends(head, from, role, attention));
            all.add(SubClaim.atLeast(
                    head + " attends most to " + role,
                    head + " attends more from " + from + " to " + role + " than to " + String.join(", ", others),
                    0,
                    study -> {
                        double[] lead = study.attention(head, from, role);
                        double[][] rivals = others.stream()
                                .map(other -> study.attention(head, from, other))
                                .toArray(double[][]::new);
                        for (int pair = 0; pair < lead.length; pair++) {
                            int of = pair;
                            lead[pair] -= Arrays.stream(rivals)
                                    .mapToDouble(rival -> rival[of])
                                    .max()
                                    .orElseThrow();
                        }
                        return new SubClaim.Sample(lead, study.units());
                    }));
            all.add(copied(head, role, rank, share));
            all.add(SubClaim.atLeast(
                    head + " adds to the answer",
                    head + " adds to the answer directly at " + from,
                    0,
                    study -> new SubClaim.Sample(study.directAttribution(head, from), study.units())));
        }
        for (String other : others) {
            all.add(SubClaim.atLeast(
                    "looking at " + other + " lowers",
                    "made to look from " + from + " at " + other + ", " + heads + " lower the metric",
                    0,
                    study -> new SubClaim.Sample(
                            difference(study.evidence().clean(), study.run(new Treatment.LookAt(from, other), heads)),
                            study.units())));
        }
        all.add(SubClaim.atLeast(
                "looking at " + role + " raises",
                "made to look from " + from + " at " + role + ", " + heads + " raise the metric",
                0,
                study -> new SubClaim.Sample(
                        difference(
                                study.run(new Treatment.LookAt(from, role), heads),
                                study.evidence().clean()),
                        study.units())));
        return all;
    }

    static SubClaim attends(HeadComponent head, String from, String role, double attention) {
        return SubClaim.atLeast(
                head + " attends to " + role,
                head + " attends from " + from + " to " + role + " with at least " + attention,
                attention,
                study -> new SubClaim.Sample(study.attention(head, from, role), study.units()));
    }

    static SubClaim copied(HeadComponent head, String role, int rank, double share) {
        return SubClaim.atLeast(
                head + " ranks the token",
                "the OV circuit of " + head + " ranks the token at " + role + " among its first " + rank
                        + " on at least " + share + " of the prompts",
                share,
                study -> new SubClaim.Sample(
                        Arrays.stream(OvCircuit.ranks(study, head, role))
                                .map(found -> found <= rank ? 1 : 0)
                                .toArray(),
                        study.units()));
    }

    static double[] difference(double[] a, double[] b) {
        double[] difference = new double[a.length];
        Arrays.setAll(difference, pair -> a[pair] - b[pair]);
        return difference;
    }
}
