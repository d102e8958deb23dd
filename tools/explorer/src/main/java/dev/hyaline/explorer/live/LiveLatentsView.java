package dev.hyaline.explorer.live;

import dev.hyaline.analysis.sparse.feature.LatentStudy;
import dev.hyaline.analysis.sparse.splice.Attachment;
import dev.hyaline.analysis.sparse.splice.LatentEdit;
import dev.hyaline.analysis.sparse.splice.Splice;
import dev.hyaline.analysis.sparse.splice.SpliceProbe;
import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.explorer.data.ViewData;
import dev.hyaline.explorer.data.ViewHeading;
import dev.hyaline.explorer.view.LatentsView;
import dev.hyaline.explorer.view.NextTokenChange;
import dev.hyaline.files.Json;
import dev.hyaline.files.Printable;
import dev.hyaline.instrument.Prompts;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The latents of an autoencoder that fire on a prompt, strongest first; {@code latent}, one alone. With {@code edits},
 * a list of objects with {@code do} ({@code ablate}, {@code clamp}, {@code scale} or {@code steer}), {@code latent} and
 * {@code value}, what they change of the prediction after {@code position} instead: what the autoencoder does not
 * reconstruct stays as it is.
 */
final class LiveLatentsView implements LiveView {
    private static final int MAX_PAGES = 12;
    private static final int MAX_EDITS = 100;

    @Override
    public Set<String> options() {
        return Set.of("latent", "edits", "position");
    }

    @Override
    public boolean isThere(ExploredModel explored) {
        return explored.latents() != null;
    }

    @Override
    public ViewData data(LiveModel model, ViewRequest request, RunProgress progress) {
        LiveModel.Prompt prompt = model.prompt(request);
        progress.requireWanted();
        LatentStudy study = model.latents();
        progress.requireWanted();
        Optional<Json> edits = request.option("edits");
        if (edits.isPresent()) {
            return edited(model, prompt, study.attachment(), edits.get(), request);
        }
        Optional<Json> latent = request.option("latent");
        return latent.isEmpty()
                ? strongest(model, prompt, progress::requireWanted).data()
                : view(model, prompt, ofPrompt(model, prompt), latent.get().integer(0, study.latents() - 1))
                        .data();
    }

    private static LatentStudy ofPrompt(LiveModel model, LiveModel.Prompt prompt) {
        return LatentStudy.of(
                model.model(), model.latents().attachment(), Prompts.of(model.config(), prompt.tokens()), Set.of());
    }

    /**
     * The latents that fire most strongly on a prompt.
     *
     * @param requireWanted throws when nobody waits any more
     */
    static LatentsView strongest(LiveModel model, LiveModel.Prompt prompt, Runnable requireWanted) {
        LatentStudy ofPrompt = ofPrompt(model, prompt);
        requireWanted.run();
        int[] chosen =
                Arrays.stream(LatentsView.strongest(ofPrompt)).limit(MAX_PAGES).toArray();
        return view(model, prompt, ofPrompt, chosen.length == 0 ? new int[] {0} : chosen);
    }

    private static LatentsView view(LiveModel model, LiveModel.Prompt prompt, LatentStudy ofPrompt, int... latents) {
        return LatentsView.of(
                        heading(model, prompt, model.latents(), latents), model.latents(), latents, model.vocabulary())
                .withPrompt(ofPrompt);
    }

    private static ViewHeading heading(LiveModel model, LiveModel.Prompt prompt, LatentStudy study, int... latents) {
        ExploredLatents explored = Objects.requireNonNull(model.explored().latents());
        return model.heading("Latents of " + study.attachment().place(), prompt)
                .withBasis("examples from " + study.tokens() + " tokens of " + study.texts() + " texts")
                .withCommand("hyaline sae features " + explored.sae() + " " + explored.texts() + model.modelOptions()
                        + " --latents "
                        + Arrays.stream(latents).mapToObj(String::valueOf).collect(Collectors.joining(","))
                        + " --html latents.html"
                        + (prompt.text().isEmpty() ? "" : " --on " + Printable.shellWord(prompt.text())))
                .withJava("LatentStudy.of(model, attachment, Prompts.of(config, tokens), Set.of()).page(latent)");
    }

    private static ViewData edited(
            LiveModel model, LiveModel.Prompt prompt, Attachment attachment, Json json, ViewRequest request) {
        List<Json> elements = json.elements();
        if (elements.size() > MAX_EDITS) {
            throw new BadInputException(
                    "a page edits at most " + MAX_EDITS + " latents, found " + elements.size() + " edits");
        }
        LatentEdit[] edits = elements.stream().map(LiveLatentsView::edit).toArray(LatentEdit[]::new);
        Splice splice = Splice.of(attachment).withError().edit(edits);
        int[] tokens = prompt.tokens();
        int position = request.integer("position", -tokens.length, tokens.length - 1, -1);
        int row = position < 0 ? position + tokens.length : position;
        ForwardRequest base = ForwardRequest.of(tokens).logits(LogitSelection.rows(row));
        ForwardRequest changed = base.probe(SpliceProbe.of(List.of(splice)));
        return NextTokenChange.of(
                        model.heading("Latents edited", prompt),
                        row,
                        model.model().forward(base).logits(),
                        model.model().forward(changed).logits(),
                        model.vocabulary())
                .data();
    }

    private static LatentEdit edit(Json json) {
        String kind = json.require("do").string();
        int latent = json.require("latent").integer(0, Integer.MAX_VALUE);
        return switch (kind) {
            case "ablate" -> new LatentEdit.AblateLatent(latent);
            case "clamp" -> new LatentEdit.ClampLatent(latent, value(json));
            case "scale" -> new LatentEdit.ScaleLatent(latent, value(json));
            case "steer" -> new LatentEdit.SteerLatent(latent, value(json));
            default ->
                throw new BadInputException(
                        "an edit of a latent is ablate, clamp, scale or steer; found \"" + kind + "\"");
        };
    }

    private static float value(Json json) {
        return (float) json.require("value").number();
    }
}
