package dev.hyaline.explorer.view;

import dev.hyaline.analysis.attention.AttentionMeasurement;
import dev.hyaline.analysis.attention.HeadClass;
import dev.hyaline.analysis.causal.SweepOptions;
import dev.hyaline.analysis.lens.LogitLens;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.Generator;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.NextToken;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.Site;
import dev.hyaline.explorer.DataView;
import dev.hyaline.explorer.data.ViewHeading;
import dev.hyaline.explorer.data.ViewToken;
import dev.hyaline.files.Printable;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Target;
import dev.hyaline.instrument.run.BaseRun;
import dev.hyaline.instrument.run.SequenceEdit;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The views of a model on one prompt: its attention, its heads, the logit lens, and how it goes on. Each is made when
 * it is asked for; what they have in common is computed once. Not thread-safe.
 */
public final class PromptViews {
    /** The least score that makes a head one of a type. */
    private static final double TYPE_THRESHOLD = 0.4;

    /** The weight above which a key counts as looked at. */
    private static final double LOOKED_AT = 0.1;

    /** Of longer prompts a rerun for each head takes too long for a page. */
    private static final int MAX_ABLATED_POSITIONS = 256;

    /** Those of leaving out all heads, beyond which a page first shows the heads without it. */
    private static final double MAX_MULTIPLY_ADDS = 1.2e9;

    private static final int LIKELIEST = 10;
    private static final int LIKELIEST_OF_LONG = 5;
    private static final int LONG = 256;
    private static final int NEW_TOKENS = 20;

    private static final long BYTES_OF_LIKELY_TOKEN = Integer.BYTES + Double.BYTES;
    private static final long FOLLOWED = 6;
    private static final int BYTES_OF_NAME = 30;
    private static final int BYTES_OF_FRAME = 140_000;
    private static final int BYTES_OF_HEAD_ROW = 800;

    private final Gpt2 model;
    private final int[] tokens;
    private final IntFunction<ViewToken> vocabulary;
    private final ViewHeading heading;
    private final String options;
    private final @Nullable String command;
    private @Nullable PromptRecord record;

    private PromptViews(
            Gpt2 model,
            int[] tokens,
            IntFunction<ViewToken> vocabulary,
            ViewHeading heading,
            String options,
            @Nullable String command) {
        this.model = model;
        this.tokens = tokens;
        this.vocabulary = vocabulary;
        this.heading = heading;
        this.options = options;
        this.command = command;
    }

    /**
     * Views of a prompt.
     *
     * @param name of the model
     * @param text of the prompt; empty if it was given as tokens
     * @param vocabulary the tokens by id
     * @param options of a command that name the model and the prompt, such as {@code --prompt 'The dog'}
     * @throws BadInputException if there are no tokens, or more than the model has positions
     */
    public static PromptViews of(
            Gpt2 model, String name, String text, int[] tokens, IntFunction<ViewToken> vocabulary, String options) {
        if (tokens.length == 0 || tokens.length > model.config().nCtx()) {
            throw new BadInputException(
                    "a prompt has from 1 to " + model.config().nCtx() + " tokens, found " + tokens.length);
        }
        ViewHeading heading = ViewHeading.of("", name)
                .withPrompt(text, IntStream.of(tokens).mapToObj(vocabulary).toList())
                .withBasis("one forward pass");
        return new PromptViews(
                model, tokens.clone(), vocabulary, heading, options.isEmpty() ? "" : " " + options, null);
    }

    /** The same views, all of which name one command. */
    public PromptViews withCommand(String newCommand) {
        return new PromptViews(model, tokens, vocabulary, heading, options, newCommand);
    }

    private ViewHeading heading(String title, String itsCommand, String java) {
        return heading.withTitle(title)
                .withCommand(command != null ? command : "hyaline " + itsCommand + options + " --html page.html")
                .withJava("int[] tokens = {"
                        + String.join(
                                ", ",
                                IntStream.of(tokens).mapToObj(String::valueOf).toList())
                        + "};\n" + java);
    }

    private PromptRecord record() {
        if (record == null) {
            record = PromptRecord.of(model, tokens, LOOKED_AT);
        }
        return record;
    }

    /** Tokens, and where each head looks from each of them. */
    public AttentionView attention() {
        return attention(record().attention());
    }

    /** The same of one layer alone, for which the pass ends there, unless all layers are known already. */
    public AttentionView attentionOf(int layer) {
        BadInputException.requireIndex("layer", layer, model.config().nLayers());
        return record != null ? attention() : attention(AttentionRecord.ofLayer(model, tokens, layer));
    }

    private AttentionView attention(AttentionRecord attention) {
        return AttentionView.of(heading("Tokens and attention", "heads", """
            ActivationCache cache = ActivationCache.record(
                    model, Prompts.of(config, tokens), Capture.of(config, "pattern", "attn_scores", "v"));
            float[] pattern = cache.values(HookPoint.of(Site.PATTERN, 0), 0); // [heads, queries, keys]
            """), attention);
    }

    /** All heads, with their types and what their absence changes. */
    public HeadGridView heads() {
        return heads((done, total) -> {});
    }

    /**
     * The same.
     *
     * @param progress told the heads that were left out
     */
    public HeadGridView heads(SweepOptions.Progress progress) {
        return ablates() ? withAblation(headsAsTheyAre(), progress) : headsAsTheyAre();
    }

    private boolean ablates() {
        return tokens.length <= MAX_ABLATED_POSITIONS;
    }

    /** Returns whether to leave out each head takes much longer than the pass itself. */
    public boolean ablationTakesLong() {
        Gpt2Config config = model.config();
        // About half of the stages are computed again for each head.
        double ofToken = config.nLayers() * (4.0 * config.dModel() + 2.0 * config.dMlp()) * config.dModel() / 2;
        return ablates() && config.nLayers() * config.nHeads() * tokens.length * ofToken > MAX_MULTIPLY_ADDS;
    }

    /** All heads, with their types, but not what their absence changes. */
    public HeadGridView headsAsTheyAre() {
        Prompts prompts = Prompts.of(model.config(), tokens);
        PromptRecord record = record();
        AttentionMeasurement measured =
                record.heads() != null ? record.heads() : AttentionMeasurement.of(model.config(), prompts, LOOKED_AT);
        ResultTable scores = measured.scores();
        return HeadGridView.of(
                heading("Attention heads", "heads", """
                    ResultTable scores = HeadScores.measure(model, Prompts.of(config, tokens)); // [type, layer, head]
                    AttentionStatistics statistics = AttentionStatistics.measure(model, Prompts.of(config, tokens), 0.1);
                    """),
                record.attention(),
                scores,
                HeadClass.classify(scores, TYPE_THRESHOLD),
                measured.statistics());
    }

    private HeadGridView withAblation(HeadGridView view, SweepOptions.Progress progress) {
        int heads = model.config().nHeads();
        List<SequenceEdit> edits = new ArrayList<>();
        for (int cell = 0; cell < model.config().nLayers() * heads; cell++) {
            edits.add(SequenceEdit.of(
                    0, Intervention.zero(Target.of(Site.Z, cell / heads).heads(cell % heads))));
        }
        float[] base = record().logits();
        int answer = NextToken.likeliest(base, 1).getFirst().token();
        double logProbability = NextToken.logProbabilities(base)[answer];
        double[] effects = new double[edits.size()];
        int[] done = {0};
        progress.measured(0, effects.length);
        BaseRun.record(model, Prompts.of(model.config(), tokens))
                .rerun(edits)
                .logits(LogitSelection.last())
                .forEach(result -> {
                    effects[result.edit()] = NextToken.logProbabilities(result.logits())[answer] - logProbability;
                    progress.measured(++done[0], effects.length);
                });
        return view.with(
                "ablation effect",
                "Change of the log probability of the likeliest next token, " + StaticText.of(vocabulary.apply(answer))
                        + ", when z of the head is set to zero (nats).",
                effects,
                true);
    }

    /** What the model would say if it stopped at each place. */
    public LensView lens() {
        return lens(0, tokens.length);
    }

    /**
     * The same at some positions alone.
     *
     * @param first the first position
     * @param end the position after the last
     * @throws BadInputException if the prompt has no such positions
     */
    public LensView lens(int first, int end) {
        return LensView.of(
                heading("Logit lens", "lens", """
                    LogitLens lens = LogitLens.of(model);
                    List<List<List<NextToken>>> likeliest = lens.likeliest(tokens, 10); // [places][positions]
                    """),
                LogitLens.of(model),
                record().lens(),
                tokens,
                first,
                end,
                likeliest(),
                vocabulary);
    }

    /** How the model goes on, the likeliest token each time. */
    public GenerationView generation() {
        int room = model.config().nCtx() - tokens.length;
        return generation(Generator.of(model).maxNewTokens(Math.min(NEW_TOKENS, room)));
    }

    private GenerationView generation(Generator generator) {
        int[] generated = generator.generate(tokens);
        return GenerationView.of(
                heading("Generation", "generate", """
                    int[] generated = Generator.of(model).maxNewTokens(20).generate(tokens);
                    """).withBasis("the likeliest token each time"),
                generated,
                logits(model, tokens, generated),
                Math.min(LIKELIEST, model.config().dVocab()),
                vocabulary);
    }

    /** The logits in whose place each generated token was, {@code [generated, dVocab]}. */
    public static float[] logits(Gpt2 model, int[] prompt, int[] generated) {
        if (generated.length == 0) {
            return new float[0];
        }
        int[] all = IntStream.concat(
                        IntStream.of(prompt), IntStream.of(generated).limit(generated.length - 1L))
                .toArray();
        int[] rows = IntStream.range(prompt.length - 1, all.length).toArray();
        return model.forward(ForwardRequest.of(all).logits(LogitSelection.rows(rows)))
                .logits();
    }

    /** Bytes that a page of all of them takes, about. */
    public long forecast() {
        long layers = model.config().nLayers();
        long maps = layers * model.config().nHeads();
        long cells = (2 * layers + 1) * tokens.length;
        long ofCell = likeliest() * BYTES_OF_LIKELY_TOKEN + FOLLOWED * (Integer.BYTES + Double.BYTES) + Double.BYTES;
        long names = Math.min(model.config().dVocab(), cells) + 4L * tokens.length;
        long bytes = AttentionRecord.bytes(model.config(), tokens.length, AttentionRecord.DEFAULT_BYTES)
                + cells * ofCell
                + names * BYTES_OF_NAME;
        // Base64 takes four letters for three bytes; scripts, styles and tables stand as they are.
        return bytes * 4 / 3 + BYTES_OF_FRAME + maps * BYTES_OF_HEAD_ROW;
    }

    private int likeliest() {
        return Math.min(
                tokens.length > LONG ? LIKELIEST_OF_LONG : LIKELIEST,
                model.config().dVocab());
    }

    /** All of them, in the order of a page. */
    public List<DataView> all() {
        return List.of(attention(), heads(), lens(), generation());
    }

    @Override
    public String toString() {
        return "views of " + Printable.plural(tokens.length, "token");
    }
}
