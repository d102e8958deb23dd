package dev.hyaline.explorer.live;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.explorer.data.ViewData;
import dev.hyaline.explorer.data.ViewHeading;
import dev.hyaline.explorer.view.ComparedRun;
import dev.hyaline.explorer.view.RunComparison;
import dev.hyaline.explorer.view.RunView;
import dev.hyaline.files.Json;
import dev.hyaline.files.Printable;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.instrument.json.InterventionJson;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * A run beside the same under edits: {@code edits}, as {@link InterventionJson} has them; {@code source}, an object
 * with the prompt or tokens that they take values from; {@code position}; {@code compare}, two tokens; {@code head}, a
 * layer and a head; {@code top}; and {@code quick}, for one position alone.
 */
final class LiveRunView implements LiveView {
    private static final int MAX_TOP = 100;

    @Override
    public Set<String> options() {
        return Set.of("edits", LiveModel.SOURCE, "position", "compare", "head", "top", "quick");
    }

    @Override
    public ViewData data(LiveModel model, ViewRequest request, RunProgress progress) {
        LiveModel.Prompt prompt = model.prompt(request);
        Interventions edits = model.edits(request);
        progress.requireWanted();
        ComparedRun run = model.compared(prompt.tokens());
        progress.requireWanted();
        int length = prompt.tokens().length;
        int position = request.integer("position", -length, length - 1, -1);
        RunComparison comparison = RunComparison.of(run, edits)
                .position(position)
                .top(request.integer(
                        "top",
                        1,
                        Math.min(MAX_TOP, model.config().dVocab()),
                        Math.min(10, model.config().dVocab())));
        Optional<Json> compared = request.option("compare");
        if (compared.isPresent()) {
            List<Json> tokens = compared.get().elements();
            if (tokens.size() != 2) {
                throw new BadInputException("\"compare\" has two tokens, found " + tokens.size());
            }
            comparison = comparison.compare(model.token(tokens.get(0)), model.token(tokens.get(1)));
        }
        Optional<Json> head = request.option("head");
        if (head.isPresent()) {
            List<Json> place = head.get().elements();
            if (place.size() != 2) {
                throw new BadInputException("\"head\" has a layer and a head, found " + place.size() + " numbers");
            }
            comparison = comparison.head(
                    place.get(0).integer(0, model.config().nLayers() - 1),
                    place.get(1).integer(0, model.config().nHeads() - 1));
        }
        if (request.flag("quick")) {
            comparison = comparison.onePosition();
        }
        String json = request.option("edits").map(Json::toString).orElse("");
        return RunView.of(heading(model, prompt, json), comparison, model.vocabulary(), json)
                .data();
    }

    private static ViewHeading heading(LiveModel model, LiveModel.Prompt prompt, String edits) {
        ViewHeading heading = model.heading("Run, edit, compare", prompt)
                .withBasis("one prompt: the run as it is, and under the edits");
        if (edits.isEmpty()) {
            return heading.withCommand("hyaline explore" + model.options(prompt))
                    .withJava("""
                        BaseRun run = BaseRun.record(model, Prompts.of(model.config(), tokens));
                        float[] logits = run.rerun(List.of(SequenceEdit.of(0))).results().getFirst().logits();
                        """);
        }
        return heading.withCommand("printf %s " + Printable.shellWord(edits) + " > edits.json && hyaline edit"
                        + model.options(prompt) + " --edits edits.json")
                .withJava("""
                    Interventions edits = InterventionJson.read(Path.of("edits.json"), Map.of());
                    BaseRun run = BaseRun.record(model, Prompts.of(model.config(), tokens));
                    RerunResult edited = run.rerun(List.of(new SequenceEdit(0, edits))).results().getFirst();
                    """);
    }
}
