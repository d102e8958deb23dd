package dev.hyaline.tools.option;

import dev.hyaline.analysis.probe.RandomDirections;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.prompt.Task;
import dev.hyaline.analysis.sparse.SparseAutoencoder;
import dev.hyaline.analysis.superposition.FeatureTests;
import dev.hyaline.analysis.superposition.LayerSuperposition;
import dev.hyaline.analysis.superposition.SuperpositionStudy;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.HookPoints;
import dev.hyaline.instrument.IndexSelection;
import dev.hyaline.tools.terminal.Console;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The study of a layer. */
public final class LayerStudyOptions implements CheckedOptions {
    private static final int MAX_BATCH = 1 << 20;
    private static final long MAX_STEPS = 1_000_000_000;
    private static final int MAX_SAMPLES = 100_000_000;
    private static final int TESTED = 8;
    private static final int TESTED_PAIRS = 32;
    private static final Task TASK = Task.PRONOUNS;

    @Option(
            names = "--site",
            paramLabel = "SITE",
            description = "Hook point to study: resid_post with --layers 2, or blocks.2.hook_resid_post. Default:"
                    + " resid_post of the middle layer")
    private String site = "";

    @Option(names = "--layers", paramLabel = "LAYER", description = "Its layer; negative ones count from the end.")
    private @Nullable String layers;

    @Option(names = "--atoms", paramLabel = "N", description = "Atoms of each dictionary. Default: 10 times the width")
    private @Nullable Integer atoms;

    @Option(
            names = "--alpha",
            paramLabel = "X",
            description = "Weight of coefficients in the objective, of activations whose mean length is the root of the"
                    + " width. Default: 1")
    private @Nullable Double alpha;

    @Option(
            names = "--samples",
            paramLabel = "N",
            description =
                    "Most tokens that sparse coding learns from, each once. Default: " + SuperpositionStudy.SAMPLES)
    private @Nullable Integer samples;

    @Option(
            names = {"-s", "--sae"},
            paramLabel = "SAE",
            description = "An autoencoder to study in place of one that is trained here, as for the command sae.")
    private String sae = "";

    @Option(
            names = "--k",
            paramLabel = "K",
            description = "Latents a token of the autoencoder that is trained. Default: 16")
    private @Nullable Integer k;

    @Option(
            names = "--steps",
            paramLabel = "N",
            description = "Batches that it is trained on. Default: " + SuperpositionStudy.STEPS)
    private @Nullable Long steps;

    @Option(
            names = "--batch",
            paramLabel = "N",
            description = "Tokens of a batch. Default: " + SuperpositionStudy.BATCH)
    private @Nullable Integer batch;

    @Option(
            names = "--interventions",
            paramLabel = "N",
            description = {
                "Random directions that edits of the strongest features are compared with, at least "
                        + RandomDirections.MIN_COUNT + "; 0 for no edits. Default: " + RandomDirections.COUNT
            })
    private @Nullable Integer interventions;

    @Override
    public void check() {
        if (HookPoints.hasLayer(site)) {
            HookPoints.point(site);
        } else if (!site.isEmpty()) {
            HookPoints.site(site);
        }
        if (layers != null) {
            SelectionOptions.indices("--layers", layers);
        }
        require("--atoms", atoms, 1, Integer.MAX_VALUE);
        require("--samples", samples, 2, MAX_SAMPLES);
        require("--k", k, 1, Integer.MAX_VALUE);
        require("--batch", batch, 1, MAX_BATCH);
        require("--steps", steps, 1, MAX_STEPS);
        CheckedOptions.requireRandomDirections(interventions);
        if (alpha != null && !(alpha > 0 && alpha < Double.POSITIVE_INFINITY)) {
            throw new BadInputException("--alpha must be a finite number above 0, found " + alpha);
        }
        if (!sae.isEmpty() && (k != null || steps != null || batch != null)) {
            throw new BadInputException(
                    "--k, --steps and --batch are of an autoencoder that is trained, but one is given (--sae)");
        }
        if (!sae.isEmpty()) {
            SaeSource.requireThere(sae);
        }
    }

    private static void require(String option, @Nullable Number value, long least, long most) {
        if (value != null && (value.longValue() < least || value.longValue() > most)) {
            throw new BadInputException(option + " must be "
                    + (value.longValue() < least ? "at least " + least : "at most " + most) + ", found " + value);
        }
    }

    /** Returns whether any option of a study is given. */
    public boolean isGiven() {
        return !site.isEmpty()
                || !sae.isEmpty()
                || layers != null
                || atoms != null
                || alpha != null
                || samples != null
                || k != null
                || steps != null
                || batch != null
                || interventions != null;
    }

    /**
     * The tests of the strongest features on pairs of a task; none if they are off, or if the site has a row a head and
     * nothing was said.
     */
    public List<FeatureTests> tests(
            Gpt2 model, LayerSuperposition found, ModelVocabulary vocabulary, Set<Integer> excluded, long seed) {
        int random = interventions == null ? RandomDirections.COUNT : interventions;
        if (random == 0 || (interventions == null && found.site().site().shape().byHead())) {
            return List.of();
        }
        try {
            PromptPairs pairs = PromptPairs.of(
                    model.config(), TASK.draw(PairOptions.encoder(vocabulary, true), TESTED_PAIRS, seed));
            return FeatureTests.of(model, pairs, found, excluded, TESTED, random, seed);
        } catch (BadInputException e) {
            throw new BadInputException(
                    "the strongest features were not tested (--interventions 0 leaves this out): " + e.getMessage());
        }
    }

    /** The prompts of {@link #tests}, in words. */
    public String testedOn() {
        return TESTED_PAIRS + " prompts of " + TASK;
    }

    /** The autoencoder that is given, or null. */
    public @Nullable SparseAutoencoder autoencoder(Console console) {
        return sae.isEmpty() ? null : SaeSource.read(console, sae).autoencoder();
    }

    /**
     * The site to study.
     *
     * @throws BadInputException if the model has no such site, or what is named is not one
     */
    public HookPoint site(Gpt2Config config, @Nullable SparseAutoencoder autoencoder) {
        if (site.isEmpty() && layers == null) {
            return Optional.ofNullable(autoencoder)
                    .flatMap(given -> given.metadata().hookName())
                    .map(name -> HookPoints.select(config, name).getFirst())
                    .orElseGet(() -> HookPoint.of(Site.RESID_POST, config.nLayers() / 2));
        }
        IndexSelection chosen = layers == null ? IndexSelection.all() : SelectionOptions.indices("--layers", layers);
        List<HookPoint> points =
                HookPoints.select(config, List.of(site.isEmpty() ? Site.RESID_POST.shortName() : site), chosen);
        if (points.size() != 1) {
            throw new BadInputException("a study is of one site, but --site and --layers name " + points.size() + ": "
                    + points.getFirst() + " to " + points.getLast());
        }
        return points.getFirst();
    }

    /**
     * The study.
     *
     * @param point as {@link #site} found it
     * @param autoencoder null for one of the study's own
     */
    public SuperpositionStudy study(HookPoint point, long seed, @Nullable SparseAutoencoder autoencoder) {
        SuperpositionStudy study = SuperpositionStudy.of(point).seed(seed);
        study = atoms == null ? study : study.atoms(atoms);
        study = alpha == null ? study : study.alpha(alpha);
        study = samples == null ? study : study.samples(samples);
        study = k == null ? study : study.latents(k);
        if (steps != null || batch != null) {
            study = study.training(
                    steps == null ? SuperpositionStudy.STEPS : steps, batch == null ? SuperpositionStudy.BATCH : batch);
        }
        return autoencoder == null ? study : study.autoencoder(autoencoder);
    }
}
