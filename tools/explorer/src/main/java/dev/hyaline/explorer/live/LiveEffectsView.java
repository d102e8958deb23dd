package dev.hyaline.explorer.live;

import dev.hyaline.analysis.causal.Ablation;
import dev.hyaline.analysis.causal.AblationSweep;
import dev.hyaline.analysis.causal.ActivationPatch;
import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.causal.PatchingDirection;
import dev.hyaline.analysis.causal.PositionAxis;
import dev.hyaline.analysis.causal.Side;
import dev.hyaline.analysis.causal.Sweep;
import dev.hyaline.analysis.causal.SweepOptions;
import dev.hyaline.analysis.causal.SweepResult;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.Site;
import dev.hyaline.explorer.data.DataObject;
import dev.hyaline.explorer.data.ViewData;
import dev.hyaline.explorer.data.ViewHeading;
import dev.hyaline.explorer.view.CellEdit;
import dev.hyaline.explorer.view.EffectMapView;
import dev.hyaline.instrument.IndexSelection;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A map of effects on a {@code metric} of a {@link LivePair}. {@code do} is {@code patch}, with {@code what}, an
 * {@link ActivationPatch}, and {@code noising}; or {@code ablate}, with {@code site}, {@code how} and
 * {@code positions}, for position by position. Without {@code do} there is no map: what the page needs for its form.
 */
final class LiveEffectsView implements LiveView {
    /** A page shows no more. */
    private static final int MAX_CELLS = 200_000;

    private static final String PATCH = "patch";
    private static final String ABLATE = "ablate";
    private static final String ZERO = "zero";
    private static final List<String> PATCHES =
            Arrays.stream(ActivationPatch.values()).map(Object::toString).toList();
    private static final List<Site> SITES = List.of(
            Site.Z,
            Site.ATTN_OUT,
            Site.MLP_OUT,
            Site.RESID_PRE,
            Site.RESID_MID,
            Site.RESID_POST,
            Site.Q,
            Site.K,
            Site.V);

    /** A sweep, and what its cells do. */
    private record Chosen(
            Sweep sweep,
            String command,
            String java,
            @Nullable CellEdit edit) {}

    @Override
    public Set<String> options() {
        Set<String> options = new HashSet<>(LivePair.OPTIONS);
        options.addAll(List.of("metric", "do", "what", "noising", "site", "how", "positions"));
        return options;
    }

    @Override
    public ViewData data(LiveModel model, ViewRequest request, RunProgress progress) {
        LivePair pair = LivePair.of(model, request);
        ViewHeading heading = model.heading("Patching and ablation", pair.clean());
        DataObject form = pair.form(model)
                .withTexts("patches", PATCHES)
                .withTexts("sites", SITES.stream().map(Site::shortName).toList());
        if (request.option("do").isEmpty()) {
            return pair.formAlone("effects", model, heading, form);
        }
        Metric metric = LivePair.metric(request);
        PromptPairs pairs = pair.pairs(model);
        Chosen chosen = request.choice("do", List.of(PATCH, ABLATE)).equals(PATCH)
                ? patch(model, request, pair, pairs)
                : ablate(model, request, pair, pairs);
        if (chosen.sweep.cells() > MAX_CELLS) {
            throw new BadInputException("the map would have " + chosen.sweep.cells() + " cells, and a page shows up to "
                    + MAX_CELLS + "; take a shorter prompt, or choose what is patched or ablated by fewer axes");
        }
        progress.requireWanted();
        Experiment experiment = Experiment.start(model.model(), pairs, metric);
        SweepResult result = experiment.sweep(chosen.sweep, SweepOptions.none().progress(progress::step));
        EffectMapView view = EffectMapView.of(
                heading.withTitle(chosen.sweep.title())
                        .withBasis(metric.quantity())
                        .withCommand(pair.command(model, chosen.command, " --metric " + metric.name()))
                        .withJava(LivePair.java() + "Experiment experiment = Experiment.start(model, pairs, metric);\n"
                                + "experiment.sweep(" + chosen.java + ").table()"),
                result.table());
        double gap = result.baselines().gap();
        if (gap != 0 && Double.isFinite(gap)) {
            view = view.withNormalised(result.normalised(), false);
        }
        ViewData data = (chosen.edit == null ? view : view.withEdit(chosen.edit)).data();
        return new ViewData(data.view(), data.heading(), data.data().with("form", form));
    }

    private static Chosen patch(LiveModel model, ViewRequest request, LivePair pair, PromptPairs pairs) {
        LiveModel.Prompt corrupted = pair.corrupted();
        if (corrupted == null) {
            throw new BadInputException("patching takes values of another prompt: give the corrupted one, of as many"
                    + " tokens as the prompt");
        }
        String name = request.choice("what", PATCHES);
        ActivationPatch patch = Arrays.stream(ActivationPatch.values())
                .filter(one -> one.toString().equals(name))
                .findFirst()
                .orElseThrow();
        boolean noising = request.flag("noising");
        PatchingDirection direction = noising ? PatchingDirection.NOISING : PatchingDirection.DENOISING;
        // Checked here, because the sweep's own error would not name the prompts.
        int[] changed = pairs.get(0).changedPositions().in(pairs.get(0).length(), "position");
        Sweep sweep = patch.byPosition()
                ? patch.sweep(model.config(), direction, positions(model, pairs))
                : patch.sweep(model.config(), direction, pairs);
        boolean clean = sweep.base() == Side.CLEAN;
        return new Chosen(
                sweep,
                "hyaline patch --what " + name + (noising ? " --noising" : ""),
                "ActivationPatch." + patch.name() + ".sweep(model.config(), PatchingDirection." + direction.name()
                        + ", pairs)",
                edit(
                        model,
                        clean ? pair.clean() : corrupted,
                        clean ? corrupted.text() : pair.clean().text(),
                        PATCH,
                        patch.sites().getFirst(),
                        sweep,
                        changed));
    }

    private static Chosen ablate(LiveModel model, ViewRequest request, LivePair pair, PromptPairs pairs) {
        List<String> names = SITES.stream().map(Site::shortName).toList();
        Site site = SITES.get(names.indexOf(request.choice("site", names)));
        boolean byPosition = request.flag("positions");
        String how = request.choice("how", List.of(ZERO, "mean-overall", "noise"));
        Ablation ablation = switch (how) {
            case ZERO -> Ablation.zero();
            case "noise" -> Ablation.noise(1, 1);
            default -> Ablation.mean();
        };
        AblationSweep.Along along =
                site.shape().byHead() ? AblationSweep.Along.everyHead() : AblationSweep.Along.everyLayer();
        if (byPosition) {
            along = along.positions(positions(model, pairs));
        }
        Sweep sweep = AblationSweep.of(model.config(), ablation, site, along);
        return new Chosen(
                sweep,
                "hyaline ablate --site " + site.shortName() + " --how " + how + (byPosition ? " --by-position" : ""),
                "AblationSweep.of(model.config(), Ablation."
                        + switch (how) {
                            case ZERO -> "zero()";
                            case "noise" -> "noise(1, 1)";
                            default -> "mean()";
                        }
                        + ", Site." + site.name() + ", AblationSweep.Along."
                        + (site.shape().byHead() ? "everyHead()" : "everyLayer()")
                        + (byPosition ? ".positions(PositionAxis.all(pairs))" : "") + ")",
                how.equals(ZERO) ? edit(model, pair.clean(), "", ZERO, site, sweep, new int[0]) : null);
    }

    /** Every position, called by its index and its token. */
    private static PositionAxis positions(LiveModel model, PromptPairs pairs) {
        return PositionAxis.of(
                pairs,
                IndexSelection.all(),
                token -> model.vocabulary().apply(token).text());
    }

    private static @Nullable CellEdit edit(
            LiveModel model,
            LiveModel.Prompt prompt,
            String source,
            String kind,
            Site site,
            Sweep sweep,
            int[] everywhere) {
        if (prompt.text().isEmpty() || (kind.equals(PATCH) && source.isEmpty())) {
            return null;
        }
        return CellEdit.of(
                        new CellEdit.EditedRun(model.modelOptions().strip(), prompt.text(), source),
                        kind,
                        site.shortName(),
                        sweep.axes(),
                        step -> step,
                        everywhere)
                .orElse(null);
    }
}
