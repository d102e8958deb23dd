package dev.hyaline.analysis.investigation.mechanism;

import dev.hyaline.analysis.attention.HeadType;
import dev.hyaline.analysis.investigation.ClaimComponent.HeadComponent;
import dev.hyaline.analysis.statistics.Units;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.ActivationSource;
import dev.hyaline.instrument.Slot;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Heads attend by a pattern that has a name, such as previous-token: their attention on its keys has a size on the
 * study's own prompts and on random repeated tokens.
 *
 * @param score least mean attention on the pattern's keys
 */
public record Attends(List<HeadComponent> heads, HeadType type, double score) implements Mechanism {
    /** The least mean attention by default. */
    public static final double SCORE = 0.4;

    /** @throws BadInputException if there is no head, or the score is not a share */
    public Attends {
        heads = List.copyOf(heads);
        Copies.requireHeads(heads, type.toString());
        Copies.requireShare("score", score);
    }

    @Override
    public String name() {
        return type.toString();
    }

    @Override
    public List<SubClaim> subClaims() {
        List<SubClaim> all = new ArrayList<>();
        for (HeadComponent head : heads) {
            all.add(SubClaim.atLeast(
                    head + " on the prompts",
                    head + " attends with at least " + score + " to " + type + " keys of the prompts",
                    score,
                    study -> natural(study, head)));
            all.add(SubClaim.atLeast(
                    head + " on repeated tokens",
                    head + " attends with at least " + score + " to " + type + " keys of random repeated tokens",
                    score,
                    study -> new SubClaim.Sample(
                            study.repeated().attention(head, type),
                            Units.each(study.repeated().size()))));
        }
        return all;
    }

    /** Of the prompts that have such keys. */
    private SubClaim.Sample natural(MechanismStudy study, HeadComponent head) {
        ActivationSource patterns = study.clean(Site.PATTERN);
        HookPoint point = HookPoint.of(Site.PATTERN, head.layer());
        double[] scores = new double[study.pairs().size()];
        for (int pair = 0; pair < scores.length; pair++) {
            int n = study.pairs().get(pair).length();
            float[] map = new float[n * n];
            for (int query = 0; query < n; query++) {
                float[] row = new float[query + 1];
                patterns.read(new Slot(point, pair, query, head.head()), row);
                System.arraycopy(row, 0, map, query * n, row.length);
            }
            scores[pair] =
                    RepeatedTokens.score(map, 0, n, study.pairs().get(pair).clean(), type);
        }
        int[] with = IntStream.range(0, scores.length)
                .filter(pair -> !Double.isNaN(scores[pair]))
                .toArray();
        if (with.length == 0) {
            throw new BadInputException("no prompt has a " + type
                    + " key, such as in a prompt without repetition; it is claimed of " + head);
        }
        return new SubClaim.Sample(
                Arrays.stream(with).mapToDouble(pair -> scores[pair]).toArray(),
                study.units().of(with));
    }
}
