package dev.hyaline.analysis.investigation.mechanism;

import dev.hyaline.analysis.causal.Side;
import dev.hyaline.analysis.investigation.ClaimComponent.HeadComponent;
import dev.hyaline.analysis.investigation.Evidence;
import dev.hyaline.analysis.investigation.Treatment;
import dev.hyaline.analysis.investigation.Treatment.Replacement;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.CounterRandom;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.instrument.run.RerunResult;
import dev.hyaline.instrument.run.SequenceEdit;
import dev.hyaline.instrument.weights.CompositionMode;
import dev.hyaline.instrument.weights.FactoredMatrix;
import dev.hyaline.instrument.weights.Matrix;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * An earlier head sets where a later one looks: ablating it changes the later head's attention to a role by a size, to
 * the claimed side, and their composition score (Elhage et al. 2021) exceeds those of random weights of the same norms.
 *
 * @param mode of the composition; V does not bear on attention, and has the score alone
 * @param from where the receiver looks from
 * @param role whose attention the sender changes
 * @param inhibits whether the sender keeps the receiver away from the role
 * @param change least change of the mean attention
 */
public record Composes(
        HeadComponent sender,
        HeadComponent receiver,
        CompositionMode mode,
        String from,
        String role,
        boolean inhibits,
        Replacement replacement,
        double change)
        implements Mechanism {
    /** The least change of attention by default. */
    public static final double CHANGE = 0.2;

    private static final int DRAWS = 199;
    private static final double LARGEST_P = 0.05;

    /** @throws BadInputException if the receiver is not of a later layer, or the change is not a share */
    public Composes {
        Copies.requireShare("change of attention", change);
        if (sender.layer() >= receiver.layer()) {
            throw new BadInputException(
                    "a head composes with one of a later layer, found " + sender + " and " + receiver);
        }
    }

    @Override
    public String name() {
        return inhibits ? "inhibits-component" : "composes";
    }

    @Override
    public List<SubClaim> subClaims() {
        List<SubClaim> all = new ArrayList<>();
        if (mode != CompositionMode.V) {
            all.add(SubClaim.atLeast(
                    "attention of " + receiver,
                    "ablating " + sender + (inhibits ? " raises" : " lowers") + " the attention of " + receiver
                            + " from " + from + " to " + role + " by at least " + change,
                    change,
                    this::changes));
        }
        all.add(new SubClaim.OfRank(
                mode + " composition",
                "the " + mode + " composition score of " + sender + " and " + receiver + " is above 95% of " + DRAWS
                        + " pairs of random weights of the same norms",
                LARGEST_P,
                this::scores));
        return all;
    }

    private SubClaim.Sample changes(MechanismStudy study) {
        Evidence.PairEdits edits = study.evidence().edits(new Treatment.AblateComponents(replacement), List.of(sender));
        HookPoint point = HookPoint.of(Site.PATTERN, receiver.layer());
        List<RerunResult> results = study.experiment()
                .runs()
                .run(Side.CLEAN)
                .rerun(IntStream.range(0, study.pairs().size())
                        .mapToObj(pair -> new SequenceEdit(pair, Interventions.of(edits.of(pair))))
                        .toList())
                .logits(LogitSelection.none())
                .reading(Capture.of(point))
                .results();
        double[] changes = study.attention(receiver, from, role);
        for (int pair = 0; pair < changes.length; pair++) {
            PromptPair prompts = study.pairs().get(pair);
            int n = prompts.length();
            double edited = results.get(pair)
                    .values(point)[(receiver.head() * n + prompts.position(from)) * n + prompts.position(role)];
            changes[pair] = inhibits ? edited - changes[pair] : changes[pair] - edited;
        }
        return new SubClaim.Sample(changes, study.units());
    }

    private SubClaim.Ranked scores(MechanismStudy study) {
        FactoredMatrix writer = study.weights().ov(sender.layer(), sender.head());
        FactoredMatrix reader = switch (mode) {
            case Q -> study.weights().qk(receiver.layer(), receiver.head());
            case K -> study.weights().qk(receiver.layer(), receiver.head()).transposed();
            case V -> study.weights().ov(receiver.layer(), receiver.head());
        };
        // Norms cancel in the score, so that random factors of any size do.
        CounterRandom random = study.random("composition/" + sender + "/" + receiver + "/" + mode);
        double[] controls = new double[DRAWS];
        for (int draw = 0; draw < DRAWS; draw++) {
            controls[draw] = score(
                    random(writer, random.with(draw).with(0)),
                    random(reader, random.with(draw).with(1)));
        }
        return new SubClaim.Ranked(score(writer, reader), controls);
    }

    private static double score(FactoredMatrix writer, FactoredMatrix reader) {
        double norms = writer.norm() * reader.norm();
        return norms == 0 ? 0 : writer.times(reader).norm() / norms;
    }

    private static FactoredMatrix random(FactoredMatrix like, CounterRandom random) {
        return new FactoredMatrix(normal(like.a(), random.with(0)), normal(like.b(), random.with(1)));
    }

    private static Matrix normal(Matrix like, CounterRandom random) {
        double[] values = new double[like.values().length];
        for (int i = 0; i < values.length; i++) {
            values[i] = random.gaussian(i);
        }
        return new Matrix(like.rows(), like.columns(), values);
    }
}
