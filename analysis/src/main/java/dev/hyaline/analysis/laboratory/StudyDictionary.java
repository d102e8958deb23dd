package dev.hyaline.analysis.laboratory;

import dev.hyaline.analysis.causal.Side;
import dev.hyaline.analysis.investigation.Evidence;
import dev.hyaline.analysis.investigation.Investigation;
import dev.hyaline.analysis.investigation.StudyPlan.DictionaryPlan;
import dev.hyaline.analysis.laboratory.HalfPrompts.Half.DiscoveryHalf;
import dev.hyaline.analysis.laboratory.HalfPrompts.HalfEvidence;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.sparse.feature.InterpretableLatents;
import dev.hyaline.analysis.sparse.splice.Attachment;
import dev.hyaline.analysis.sparse.splice.LatentEdit.AblateLatent;
import dev.hyaline.analysis.sparse.splice.Splice;
import dev.hyaline.analysis.statistics.Bootstrap;
import dev.hyaline.analysis.statistics.Units;
import dev.hyaline.analysis.statistics.VerdictInterval;
import dev.hyaline.analysis.superposition.DictionaryMeasure;
import dev.hyaline.analysis.superposition.DictionaryStability;
import dev.hyaline.analysis.superposition.LayerSuperposition;
import dev.hyaline.analysis.superposition.SuperpositionStudy;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.files.JsonText;
import dev.hyaline.instrument.CounterRandom;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.dump.Corpus;
import dev.hyaline.instrument.dump.Document;
import dev.hyaline.instrument.edit.Intervention;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import tools.jackson.core.JsonGenerator;

/**
 * A dictionary of a site's values, learned from the discovery half, what is known of its features, and what ablating
 * the strongest of them costs. It nominates, and no verdict depends on it.
 */
final class StudyDictionary {
    static final String FILE = "superposition.json";
    static final String PATH = DiscoveryPhase.NAME + "/" + FILE;

    /** Features that are ablated, those of the largest mean square. */
    private static final int FEATURES = 24;

    /** One pair in so many is measured on, and not learned from. */
    private static final int HELD_OUT = 4;

    /** Tokens of a batch. */
    private static final int BATCH = 256;

    private StudyDictionary() {}

    static byte[] run(
            StudyModel model,
            Investigation investigation,
            DictionaryPlan plan,
            HalfEvidence<DiscoveryHalf> half,
            double gap,
            PhaseRun run) {
        Evidence evidence = half.evidence();
        try {
            LayerSuperposition found = learn(model, investigation, plan, evidence, run);
            return json(investigation, found, model, evidence, gap);
        } catch (BadInputException e) {
            // Too few tokens, or none that a set of names has ten of.
            return JsonText.indented(json -> {
                json.writeStartObject();
                json.writeStringProperty("format", "hyaline-study-dictionary/1");
                json.writeStringProperty("site", plan.site().name());
                json.writeStringProperty("problem", e.getMessage());
                json.writeEndObject();
            });
        }
    }

    private static LayerSuperposition learn(
            StudyModel model, Investigation investigation, DictionaryPlan plan, Evidence evidence, PhaseRun run) {
        PromptPairs pairs = evidence.experiment().pairs();
        List<Document> learned = new ArrayList<>();
        List<int[]> measured = new ArrayList<>();
        for (int pair = 0; pair < pairs.size(); pair++) {
            PromptPair prompts = pairs.get(pair);
            if (pair % HELD_OUT == HELD_OUT - 1) {
                measured.addAll(List.of(prompts.clean(), prompts.corrupted()));
            } else {
                learned.add(new Document(prompts.name() + ", clean", prompts.clean()));
                learned.add(new Document(prompts.name() + ", corrupted", prompts.corrupted()));
            }
        }
        if (measured.isEmpty()) {
            throw new BadInputException("a dictionary takes at least " + HELD_OUT + " pairs, found " + pairs.size());
        }
        SuperpositionStudy study = SuperpositionStudy.of(plan.site())
                .latents(plan.latents())
                .training(plan.steps(), BATCH)
                .seed(investigation.seed());
        return (plan.atoms() == 0 ? study : study.atoms(plan.atoms()))
                .run(
                        model.model(),
                        Corpus.of(learned),
                        Prompts.of(model.model().config(), measured.toArray(int[][]::new)),
                        Set.of(),
                        byRole(pairs),
                        model.model().threads(),
                        (stage, done, total) -> run.progress().advanced("dictionary, " + stage, done, total));
    }

    /** The tokens that stand at each role, which features may stand for. */
    private static Map<String, Set<Integer>> byRole(PromptPairs pairs) {
        Map<String, Set<Integer>> sets = new TreeMap<>();
        for (PromptPair pair : pairs.list()) {
            pair.roles().forEach((role, position) -> {
                Set<Integer> tokens = sets.computeIfAbsent("role " + role, name -> new TreeSet<>());
                tokens.add(pair.clean()[position]);
                tokens.add(pair.corrupted()[position]);
            });
        }
        return sets;
    }

    private static byte[] json(
            Investigation investigation, LayerSuperposition found, StudyModel model, Evidence evidence, double gap) {
        DictionaryMeasure autoencoder = found.dictionaries().getLast();
        int[] strongest = autoencoder.strongest(FEATURES);
        HookPoint site = found.site();
        Splice splice = Splice.of(Attachment.of(found.autoencoder(), model.model(), site, site));
        List<Evidence.PairEdits> edits = new ArrayList<>();
        edits.add(always(splice.intervention()));
        for (int feature : strongest) {
            edits.add(always(splice.withError().edit(new AblateLatent(feature)).intervention()));
        }
        double[][] after = evidence.edited(
                "the dictionary of " + site + " in place, then its features " + Arrays.toString(strongest) + " ablated",
                Side.CLEAN,
                edits);
        return JsonText.indented(json -> {
            json.writeStartObject();
            json.writeStringProperty("format", "hyaline-study-dictionary/1");
            json.writeStringProperty("site", site.name());
            json.writeNumberProperty("width", found.width());
            json.writeNumberProperty("tokens_learned_from", found.trainedTokens());
            json.writeNumberProperty("tokens_measured_on", found.heldOutTokens());
            Written.number("effective_dimension", found.effectiveDimension(), json);
            json.writeArrayPropertyStart("dictionaries");
            found.dictionaries().forEach(measure -> write(measure, json));
            json.writeEndArray();
            json.writeArrayPropertyStart("stability");
            for (DictionaryStability stability : found.stability()) {
                json.writeStartObject();
                json.writeStringProperty("of", stability.first());
                json.writeStringProperty("in", stability.second());
                Written.number("mean_max_cosine", stability.mmcs(), json);
                Written.number("of_random", stability.random(), json);
                json.writeEndObject();
            }
            json.writeEndArray();
            Written.number("share_of_gap_kept_by_reconstruction", 1 - mean(losses(evidence, after[0])) / gap, json);
            json.writeArrayPropertyStart("features");
            for (int i = 0; i < strongest.length; i++) {
                feature(
                        investigation,
                        "sae:" + site.name() + "[" + strongest[i] + "]",
                        autoencoder.interpretable(),
                        strongest[i],
                        losses(evidence, after[1 + i]),
                        evidence,
                        json);
            }
            json.writeEndArray();
            json.writeEndObject();
        });
    }

    private static Evidence.PairEdits always(Intervention edit) {
        return pair -> List.of(edit);
    }

    private static void write(DictionaryMeasure measure, JsonGenerator json) {
        json.writeStartObject();
        json.writeStringProperty("name", measure.name());
        json.writeNumberProperty("features", measure.atoms());
        json.writeNumberProperty("alive", measure.alive().length);
        Written.number("median_density", measure.medianDensity(), json);
        Written.number("l0", measure.l0(), json);
        Written.number("explained_variance", measure.explainedVariance(), json);
        Written.number("mean_largest_cosine", mean(measure.geometry().largestCosines()), json);
        Written.number(
                "largest_cosine",
                Arrays.stream(measure.geometry().largestCosines()).max().orElse(Double.NaN),
                json);
        Written.number("mean_weighted_interference", mean(measure.weightedInterference()), json);
        Written.number("mean_dimensionality", mean(measure.geometry().dimensionalities()), json);
        Written.number("features_per_dimension", measure.geometry().featuresPerDimension(), json);
        json.writeNumberProperty("interpretable", measure.interpretable().count());
        json.writeNumberProperty(
                "interpretable_with_permuted_labels", measure.interpretable().countPermuted());
        json.writeStringProperty(
                "interpretable_if",
                "F1 of at least " + InterpretableLatents.ENOUGH + " for the tokens of a role, on texts that chose"
                        + " neither label nor threshold");
        json.writeEndObject();
    }

    private static void feature(
            Investigation investigation,
            String name,
            InterpretableLatents interpretable,
            int feature,
            double[] losses,
            Evidence evidence,
            JsonGenerator json) {
        Units units = evidence.experiment().pairs().units().orElse(Units.each(losses.length));
        json.writeStartObject();
        json.writeStringProperty("component", name);
        Written.number("loss", mean(losses), json);
        Written.interval(
                "interval",
                VerdictInterval.of(
                                losses,
                                units,
                                VerdictInterval.DIRECTED_TAIL,
                                Bootstrap.REPLICATES,
                                CounterRandom.of(investigation.seed()).named("discovery/dictionary/" + name))
                        .map(VerdictInterval::interval)
                        .orElse(null),
                json);
        if (interpretable.f1()[feature] >= InterpretableLatents.ENOUGH) {
            json.writeStringProperty("stands_for", interpretable.best().get(feature));
        }
        json.writeEndObject();
    }

    private static double[] losses(Evidence evidence, double[] after) {
        double[] losses = evidence.clean();
        Arrays.setAll(losses, pair -> losses[pair] - after[pair]);
        return losses;
    }

    private static double mean(double[] values) {
        return Arrays.stream(values).sum() / values.length;
    }
}
