package dev.hyaline.analysis.investigation.mechanism;

import dev.hyaline.analysis.investigation.ClaimComponent.HeadComponent;
import dev.hyaline.analysis.statistics.Units;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Heads continue what came before (Olsson et al. 2022). On random repeated tokens each attends to the token after an
 * earlier occurrence, more than where nothing repeats; without the previous-token heads it does so at most half as
 * much; and its OV circuit copies.
 *
 * @param previous previous-token heads that it depends on; empty where none is claimed
 * @param role whose token the OV circuit copies; null where none is claimed
 * @param attention least mean attention
 */
public record Induction(
        List<HeadComponent> heads,
        List<HeadComponent> previous,
        @Nullable String role,
        double attention) implements Mechanism {
    private static final double HALF = 0.5;

    /** @throws dev.hyaline.engine.error.BadInputException if there is no head, or the attention is not a share */
    public Induction {
        heads = List.copyOf(heads);
        previous = List.copyOf(previous);
        Copies.requireHeads(heads, "induction");
        Copies.requireShare("attention", attention);
    }

    @Override
    public String name() {
        return "induction";
    }

    @Override
    public List<SubClaim> subClaims() {
        List<SubClaim> all = new ArrayList<>();
        for (HeadComponent head : heads) {
            all.add(SubClaim.atLeast(
                    head + " attends",
                    head + " attends with at least " + attention + " to the token after an earlier occurrence",
                    attention,
                    study -> of(study, study.repeated().induction(head))));
            all.add(SubClaim.atLeast(
                    head + " attends for the repetition",
                    head + " attends there more than to the same keys where nothing repeats",
                    0,
                    study -> of(
                            study,
                            Copies.difference(
                                    study.repeated().induction(head),
                                    study.repeated().unrepeated(head)))));
            if (!previous.isEmpty()) {
                all.add(SubClaim.atLeast(
                        head + " depends on " + previous,
                        "without " + previous + " " + head + " attends there at most half as much",
                        0,
                        study -> {
                            double[] half = study.repeated().induction(head);
                            for (int prompt = 0; prompt < half.length; prompt++) {
                                half[prompt] *= HALF;
                            }
                            return of(
                                    study,
                                    Copies.difference(half, study.repeated().inductionWithout(head, previous)));
                        }));
            }
            if (role != null) {
                all.add(Copies.copied(head, role, Copies.RANK, Copies.SHARE));
            }
        }
        return all;
    }

    private static SubClaim.Sample of(MechanismStudy study, double[] values) {
        return new SubClaim.Sample(values, Units.each(study.repeated().size()));
    }
}
