package dev.hyaline.analysis.investigation.mechanism;

import dev.hyaline.analysis.causal.Side;
import dev.hyaline.analysis.investigation.ClaimFinding.ClaimDirection;
import dev.hyaline.analysis.investigation.Evidence;
import dev.hyaline.analysis.investigation.Expectation.EffectAmount;
import dev.hyaline.analysis.probe.ControlTask;
import dev.hyaline.analysis.probe.Folds;
import dev.hyaline.analysis.probe.HeldOut;
import dev.hyaline.analysis.probe.InterchangeSubspace;
import dev.hyaline.analysis.probe.LabelledRows;
import dev.hyaline.analysis.probe.ProbeMethod;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.statistics.Units;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.Slot;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Target;
import dev.hyaline.instrument.weights.Matrix;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A subspace of a site's values at a role holds a variable (Geiger et al. 2021; Makelov et al. 2024). With the
 * corrupted run's part in the subspace, the output follows that run's answer; with the mean part the metric falls;
 * random subspaces of the same rank do less; the rest of the values alone does little; of an MLP's neurons, the part
 * that its output matrix reads does as much; and a probe tells the variable better than labels given to tokens by lot.
 *
 * @param point a site with one vector for each position
 * @param subspace null for all of the values, of which nothing is compared with random subspaces or the rest
 * @param variable the class of a clean prompt; null where no probe is claimed
 * @param follows share of the prompts whose output must follow
 * @param cost of the mean part
 * @param selectivity by which the probe must beat its control task
 */
public record Encodes(
        HookPoint point,
        String role,
        @Nullable InterchangeSubspace subspace,
        @Nullable Function<PromptPair, String> variable,
        double follows,
        EffectAmount cost,
        double selectivity)
        implements Mechanism {
    /** The share of prompts by default. */
    public static final double FOLLOWS = 0.9;

    /** The selectivity by default. */
    public static final double SELECTIVITY = 0.2;

    private static final int DRAWS = 39;
    private static final double LARGEST_P = 0.05;
    private static final double REST = 0.2;
    private static final int FOLDS = 5;

    /** @throws BadInputException if the site has heads, or a number is not a share */
    public Encodes {
        Copies.requireShare("share of prompts", follows);
        Copies.requireShare("selectivity", selectivity);
        if (point.site().shape().byHead() || point.site().isMap()) {
            throw new BadInputException(
                    "a variable is held by a site with one vector for each position, found " + point);
        }
    }

    @Override
    public String name() {
        return "encodes";
    }

    @Override
    public List<SubClaim> subClaims() {
        String where = point.name() + " at " + role;
        List<SubClaim> all = new ArrayList<>();
        all.add(SubClaim.atLeast(
                "interchange",
                "given the corrupted run's part, the output follows its answer on at least " + follows
                        + " of the prompts",
                follows,
                study -> new SubClaim.Sample(
                        Arrays.stream(interchanged(study, subspace, "own"))
                                .map(metric -> metric < 0 ? 1 : 0)
                                .toArray(),
                        study.units())));
        all.add(new SubClaim.OfPrompts(
                "mean part",
                "given the mean part in " + where + ", the metric falls by at least " + cost,
                ClaimDirection.AT_LEAST,
                study -> cost.inMetric(study.gap()),
                study -> new SubClaim.Sample(
                        Copies.difference(study.evidence().clean(), withMean(study)), study.units())));
        InterchangeSubspace own = subspace;
        if (own != null) {
            all.add(new SubClaim.OfRank(
                    "random subspaces",
                    "the interchange changes the metric more than in 95% of " + DRAWS
                            + " random subspaces of the same rank",
                    LARGEST_P,
                    study -> random(study, own)));
            all.add(SubClaim.atLeast(
                    "the rest",
                    "the corrupted run's values outside of the subspace do less than " + REST
                            + " of what all of them do",
                    0,
                    study -> new SubClaim.Sample(rest(study, own), study.units())));
            all.add(SubClaim.atLeast(
                    "the whole",
                    "all of the corrupted run's values do at least 0.8 of what its part in the subspace does",
                    0,
                    study -> new SubClaim.Sample(whole(study, own), study.units())));
            if (point.site() == Site.MLP_POST) {
                all.add(SubClaim.atLeast(
                        "the read part",
                        "the part of the subspace that the layer's output matrix reads does at least 0.8 of what the"
                                + " subspace does",
                        0,
                        study -> new SubClaim.Sample(readPart(study, own), study.units())));
            }
        }
        Function<PromptPair, String> classes = variable;
        if (classes != null) {
            all.add(SubClaim.atLeast(
                    "probe",
                    "a probe on " + where + " beats its control task by at least " + selectivity,
                    selectivity,
                    study -> probe(study, classes)));
        }
        return all;
    }

    private int columns(MechanismStudy study) {
        return point.site().shape().width(study.config());
    }

    private float[] values(MechanismStudy study, Side side, int pair) {
        float[] values = new float[columns(study)];
        study.experiment()
                .runs()
                .recorded(side, point.site())
                .read(new Slot(point, pair, study.pairs().get(pair).position(role), Slot.NO_HEAD), values);
        return values;
    }

    private Target target(MechanismStudy study, int pair) {
        return Target.of(point).positions(study.pairs().get(pair).position(role));
    }

    private Intervention interchange(
            MechanismStudy study, @Nullable InterchangeSubspace space, int pair, float[] source) {
        return space == null
                ? Intervention.set(target(study, pair), source)
                : space.interchange(target(study, pair), source);
    }

    private double[] edited(MechanismStudy study, String words, Evidence.PairEdits edits) {
        return study.evidence().edited(words + " in " + point.name() + " at " + role, Side.CLEAN, List.of(edits))[0];
    }

    private double[] interchanged(MechanismStudy study, @Nullable InterchangeSubspace space, String name) {
        return edited(
                study,
                "interchange of the subspace " + name,
                pair -> List.of(interchange(study, space, pair, values(study, Side.CORRUPTED, pair))));
    }

    private double[] withMean(MechanismStudy study) {
        double[] sum = new double[columns(study)];
        int pairs = study.pairs().size();
        for (int pair = 0; pair < pairs; pair++) {
            float[] values = values(study, Side.CLEAN, pair);
            for (int i = 0; i < sum.length; i++) {
                sum[i] += values[i];
            }
        }
        float[] mean = new float[sum.length];
        for (int i = 0; i < mean.length; i++) {
            mean[i] = (float) (sum[i] / pairs);
        }
        return edited(study, "mean part", pair -> List.of(interchange(study, subspace, pair, mean)));
    }

    private SubClaim.Ranked random(MechanismStudy study, InterchangeSubspace own) {
        double[] controls = new double[DRAWS];
        for (int draw = 0; draw < DRAWS; draw++) {
            InterchangeSubspace drawn = InterchangeSubspace.random(
                    own.dimensions(),
                    own.columns(),
                    study.random("encodes/" + point.name() + "@" + role).with(draw));
            controls[draw] = change(study, interchanged(study, drawn, "drawn as " + draw));
        }
        return new SubClaim.Ranked(change(study, interchanged(study, own, "own")), controls);
    }

    /** The size of the mean change. */
    private static double change(MechanismStudy study, double[] after) {
        double[] clean = study.evidence().clean();
        return Math.abs(Arrays.stream(Copies.difference(clean, after)).sum()) / clean.length;
    }

    private double[] rest(MechanismStudy study, InterchangeSubspace own) {
        double[] clean = study.evidence().clean();
        double[] whole = Copies.difference(clean, interchanged(study, null, "whole"));
        double[] outside = Copies.difference(clean, edited(study, "values outside of the subspace", pair -> {
            float[] donor = values(study, Side.CORRUPTED, pair);
            float[] base = values(study, Side.CLEAN, pair);
            double[] difference = new double[donor.length];
            for (int i = 0; i < donor.length; i++) {
                difference[i] = (double) base[i] - donor[i];
            }
            double[] inside = own.project(difference);
            for (int i = 0; i < donor.length; i++) {
                donor[i] += (float) inside[i];
            }
            return List.of(Intervention.set(target(study, pair), donor));
        }));
        double[] contrast = Suppresses.contrast(outside, whole, REST);
        return Arrays.stream(contrast).map(value -> -value).toArray();
    }

    /** A subspace that does more than the whole wakes a pathway that the model does not use (Makelov et al. 2024). */
    private double[] whole(MechanismStudy study, InterchangeSubspace own) {
        double[] clean = study.evidence().clean();
        return Suppresses.contrast(
                Copies.difference(clean, interchanged(study, null, "whole")),
                Copies.difference(clean, interchanged(study, own, "own")),
                1 - REST);
    }

    /**
     * Along a direction between one that follows the variable but is not read, and one that is read but does not follow
     * it, an interchange moves the output by a pathway that the model leaves dormant: without the part that is not read
     * it moves nothing.
     */
    private double[] readPart(MechanismStudy study, InterchangeSubspace own) {
        double[] clean = study.evidence().clean();
        return Suppresses.contrast(
                own.readBy(study.weights().wOut(point.layer()))
                        .map(read -> Copies.difference(clean, interchanged(study, read, "read")))
                        .orElseGet(() -> new double[clean.length]),
                Copies.difference(clean, interchanged(study, own, "own")),
                1 - REST);
    }

    private SubClaim.Sample probe(MechanismStudy study, Function<PromptPair, String> classes) {
        int pairs = study.pairs().size();
        double[] all = new double[pairs * columns(study)];
        List<String> labels = new ArrayList<>();
        List<String> tokens = new ArrayList<>();
        for (int pair = 0; pair < pairs; pair++) {
            float[] values = values(study, Side.CLEAN, pair);
            for (int i = 0; i < values.length; i++) {
                all[pair * values.length + i] = values[i];
            }
            PromptPair prompts = study.pairs().get(pair);
            labels.add(classes.apply(prompts));
            tokens.add(Integer.toString(prompts.clean()[prompts.position(role)]));
        }
        Units byLabel = Units.of(labels);
        int[] label = new int[pairs];
        Arrays.setAll(label, byLabel::unit);
        LabelledRows rows = LabelledRows.of(new Matrix(pairs, columns(study), all), label, byLabel.names());
        LabelledRows control =
                ControlTask.labels(rows, Units.of(tokens), study.random("encodes/control/" + point.name()));
        Folds folds = Folds.grouped(rows, study.units(), FOLDS);
        ProbeMethod method = new ProbeMethod.Ridge(1);
        return new SubClaim.Sample(
                Copies.difference(
                        HeldOut.of(rows, folds, method).correct(),
                        HeldOut.of(control, folds, method).correct()),
                study.units());
    }
}
