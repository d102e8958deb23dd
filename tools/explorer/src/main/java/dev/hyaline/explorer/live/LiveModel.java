package dev.hyaline.explorer.live;

import dev.hyaline.analysis.prompt.PromptEncoder;
import dev.hyaline.analysis.sparse.feature.LatentStudy;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.NextToken;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.explorer.DataView;
import dev.hyaline.explorer.data.ViewData;
import dev.hyaline.explorer.data.ViewHeading;
import dev.hyaline.explorer.data.ViewToken;
import dev.hyaline.explorer.view.ComparedRun;
import dev.hyaline.explorer.view.PromptViews;
import dev.hyaline.files.Json;
import dev.hyaline.files.Printable;
import dev.hyaline.instrument.ActivationSource;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.capture.ActivationCache;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.instrument.json.InterventionJson;
import dev.hyaline.instrument.run.BaseRun;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.Set;
import java.util.function.Function;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;

/** The model as pages see it. It keeps the runs of the latest prompts. Used by one run at a time. */
final class LiveModel {
    /** The name that edits have for the run of {@code source}. */
    static final String SOURCE = "source";

    /** A longer prompt is looked at when someone asks. */
    private static final int MAX_PREPARED_TOKENS = 64;

    private static final Interventions NO_EDITS = Interventions.of();

    private final ExploredModel explored;
    private final String prompt;
    private final SequencedMap<List<Integer>, BaseRun> runs = new LinkedHashMap<>();
    private @Nullable LatentStudy latents;
    private @Nullable LatestPrompt latest;
    private @Nullable ComparedRun compared;
    private LiveCircuitView.@Nullable Found circuit;
    private final long budget = Runtime.getRuntime().maxMemory() / 8;

    LiveModel(ExploredModel explored, String prompt) {
        this.explored = explored;
        this.prompt = prompt;
    }

    /** The views of the latest prompt, and what those that were asked for show. */
    private record LatestPrompt(String text, int[] tokens, PromptViews views, Map<LiveView, ViewData> made) {}

    /**
     * A prompt.
     *
     * @param text empty if it was given as tokens
     */
    record Prompt(String text, int[] tokens) {}

    ExploredModel explored() {
        return explored;
    }

    /** The study of latents, which is made at the first call. */
    LatentStudy latents() {
        if (latents == null) {
            latents = Objects.requireNonNull(explored.latents()).study().get();
        }
        return latents;
    }

    Gpt2 model() {
        return explored.model();
    }

    Gpt2Config config() {
        return model().config();
    }

    IntFunction<ViewToken> vocabulary() {
        return explored.vocabulary();
    }

    /** The prompt that a request names. */
    Prompt prompt(ViewRequest request) {
        return prompt(request.json());
    }

    /** The prompt of an object that has its text or its tokens. */
    Prompt prompt(Json json) {
        Optional<Json> text = json.get("prompt");
        Optional<Json> tokens = json.get("tokens");
        if (text.isPresent() == tokens.isPresent()) {
            throw new BadInputException("a request has either \"prompt\", a text, or \"tokens\", their ids");
        }
        Prompt found = text.map(value -> encoded(value.string()))
                .orElseGet(() -> new Prompt("", ViewRequest.integers(tokens.orElseThrow(), config().dVocab())));
        if (found.tokens.length == 0) {
            throw new BadInputException("the prompt is empty");
        }
        if (found.tokens.length > config().nCtx()) {
            throw new BadInputException("the prompt has " + found.tokens.length + " tokens, but the model has "
                    + config().nCtx() + " positions");
        }
        return found;
    }

    private Prompt encoded(String text) {
        return new Prompt(text, encoder().prompt(text));
    }

    private PromptEncoder encoder() {
        PromptEncoder encoder = explored.encoder();
        if (encoder == null) {
            throw new BadInputException("the model has no tokenizer files; give token ids");
        }
        return encoder;
    }

    /** A token that a request names by its id or its text. */
    int token(Json json) {
        return json.isString() ? encoder().token(json.string()) : json.integer(0, config().dVocab() - 1);
    }

    /** The run of a prompt, from those kept if it is there. */
    BaseRun run(int[] tokens) {
        List<Integer> key = Arrays.stream(tokens).boxed().toList();
        BaseRun found = runs.remove(key);
        BaseRun run = found != null ? found : BaseRun.record(model(), Prompts.of(config(), tokens));
        runs.putLast(key, run);
        Iterator<BaseRun> oldest = runs.values().iterator();
        while (runs.size() > 1 && bytes() > budget) {
            oldest.next();
            oldest.remove();
        }
        return run;
    }

    /** The run of a prompt for comparisons, the latest one if it is of the same. */
    ComparedRun compared(int[] tokens) {
        BaseRun run = run(tokens);
        ComparedRun last = compared;
        if (last == null || last.run() != run) {
            last = ComparedRun.of(run, 0);
            compared = last;
        }
        return last;
    }

    /** The two likeliest tokens after a prompt. */
    List<NextToken> likeliest(Prompt of) {
        return NextToken.likeliest(compared(of.tokens).logits(of.tokens.length - 1), Math.min(2, config().dVocab()));
    }

    /** The circuit that was found last; null if none was. */
    LiveCircuitView.@Nullable Found circuit() {
        return circuit;
    }

    void keep(LiveCircuitView.Found found) {
        circuit = found;
    }

    private long bytes() {
        return runs.values().stream()
                .mapToLong(run -> BaseRun.bytes(config(), run.prompts()))
                .sum();
    }

    /** The edits that a request has; none if it has none. */
    Interventions edits(ViewRequest request) {
        Optional<Json> edits = request.option("edits");
        if (edits.isEmpty()) {
            return NO_EDITS;
        }
        requireNoFiles(edits.get());
        String json = edits.get().toString();
        Optional<Json> source = request.option(SOURCE);
        if (source.isEmpty()) {
            return InterventionJson.parse(json);
        }
        int[] tokens = prompt(source.get()).tokens;
        BaseRun run = run(tokens);
        Interventions read = InterventionJson.parse(json, Map.of(SOURCE, run));
        Set<Site> taken = EnumSet.noneOf(Site.class);
        for (Intervention edit : read.list()) {
            switch (edit) {
                case Intervention.Patch patch -> taken.add(patch.target().site());
                case Intervention.Mean mean -> taken.add(mean.target().site());
                case Intervention.Resample resample ->
                    taken.add(resample.target().site());
                default -> {}
            }
        }
        if (taken.stream().allMatch(run::holds)) {
            return read;
        }
        return InterventionJson.parse(json, Map.of(SOURCE, recorded(tokens, taken)));
    }

    private ActivationSource recorded(int[] tokens, Set<Site> sites) {
        List<HookPoint> points = sites.stream()
                .flatMap(site -> site.perLayer()
                        ? IntStream.range(0, config().nLayers()).mapToObj(layer -> HookPoint.of(site, layer))
                        : IntStream.of(0).mapToObj(none -> HookPoint.of(site)))
                .toList();
        return ActivationCache.record(model(), Prompts.of(config(), tokens), Capture.of(points))
                .source();
    }

    /** A page names no files: who sends it here may not read this machine's. */
    private static void requireNoFiles(Json json) {
        if (json.isObject()) {
            for (String name : json.names()) {
                if (name.equals("file") || name.equals("dump")) {
                    throw new BadInputException("edits of a page read no files, but one has \"" + name
                            + "\"; give the values themselves, or \"" + SOURCE + "\"");
                }
                requireNoFiles(json.require(name));
            }
        } else if (json.isArray()) {
            json.elements().forEach(LiveModel::requireNoFiles);
        }
    }

    /** What a view of a prompt is of. */
    ViewHeading heading(String title, Prompt of) {
        return ViewHeading.of(title, explored.name())
                .withPrompt(
                        of.text, Arrays.stream(of.tokens).mapToObj(vocabulary()).toList());
    }

    /** What a view of a prompt shows; made once for the latest prompt. */
    ViewData data(LiveView view, Prompt of, Function<PromptViews, DataView> make) {
        LatestPrompt now = latest(of);
        return now.made.computeIfAbsent(view, wanted -> make.apply(now.views).data());
    }

    /** Returns whether what a view of a prompt shows is made already. */
    boolean isMade(LiveView view, Prompt of) {
        return latest(of).made.containsKey(view);
    }

    /** The views of a prompt; what they have in common is kept of the latest prompt. */
    PromptViews views(Prompt of) {
        return latest(of).views;
    }

    private LatestPrompt latest(Prompt of) {
        LatestPrompt now = latest;
        if (now == null || !now.text.equals(of.text) || !Arrays.equals(now.tokens, of.tokens)) {
            latest = null; // its values may be large
            PromptViews views = PromptViews.of(
                    model(),
                    explored.name(),
                    of.text,
                    of.tokens,
                    vocabulary(),
                    options(of).strip());
            now = new LatestPrompt(of.text, of.tokens, views, new HashMap<>());
            latest = now;
        }
        return now;
    }

    /** Returns whether a prompt is so long that a page first asks for the part of a view that it shows. */
    static boolean isLong(Prompt prompt) {
        return prompt.tokens.length > MAX_PREPARED_TOKENS;
    }

    /** The first prompt, if it is short enough for its views to be made before anyone asks for them; else null. */
    @Nullable
    Prompt preparedPrompt() {
        PromptEncoder encoder = explored.encoder();
        Prompt first = encoder == null ? null : encoded(prompt);
        return first == null || isLong(first) ? null : first;
    }

    /** The options of a command that name the model and a prompt. */
    String options(Prompt of) {
        return modelOptions()
                + (of.text.isEmpty()
                        ? " --tokens " + Printable.shellWord(numbers(of.tokens))
                        : " --prompt " + Printable.shellWord(of.text));
    }

    /**
     * The options of a command that name the model and how its weights are processed, with a blank before them; empty
     * for the built-in one as it is.
     */
    String modelOptions() {
        return explored.options().isEmpty() ? "" : " " + explored.options();
    }

    private static String numbers(int[] tokens) {
        return String.join(
                " ", Arrays.stream(tokens).mapToObj(Integer::toString).toList());
    }

    /**
     * Writes what a page needs to know before it asks for views.
     *
     * @param views the names of those there are
     */
    void write(JsonGenerator json, List<String> views) {
        Gpt2Config config = config();
        json.writeStringProperty("model", explored.name());
        json.writeStringProperty("prompt", prompt);
        json.writeBooleanProperty("tokenizer", explored.encoder() != null);
        json.writeNumberProperty("layers", config.nLayers());
        json.writeNumberProperty("heads", config.nHeads());
        json.writeNumberProperty("dModel", config.dModel());
        json.writeNumberProperty("dMlp", config.dMlp());
        json.writeNumberProperty("positions", config.nCtx());
        json.writeNumberProperty("vocabulary", config.dVocab());
        json.writeArrayPropertyStart("views");
        views.forEach(json::writeString);
        json.writeEndArray();
        json.writeArrayPropertyStart("sites");
        for (Site site : Site.values()) {
            json.writeStartObject();
            json.writeStringProperty("name", site.localName());
            json.writeBooleanProperty("perLayer", site.perLayer());
            json.writeBooleanProperty("byHead", site.shape().byHead());
            json.writeEndObject();
        }
        json.writeEndArray();
    }
}
