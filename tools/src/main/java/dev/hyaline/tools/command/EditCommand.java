package dev.hyaline.tools.command;

import dev.hyaline.engine.Generator;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.Sampling;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.explorer.Page;
import dev.hyaline.explorer.View;
import dev.hyaline.explorer.data.ViewHeading;
import dev.hyaline.explorer.view.RunComparison;
import dev.hyaline.explorer.view.RunView;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.instrument.run.BaseRun;
import dev.hyaline.instrument.run.InterventionProbe;
import dev.hyaline.instrument.run.RerunResult;
import dev.hyaline.instrument.run.SequenceEdit;
import dev.hyaline.tools.option.CheckedOptions;
import dev.hyaline.tools.option.CommonOptions;
import dev.hyaline.tools.option.EditOptions;
import dev.hyaline.tools.option.EngineOptions;
import dev.hyaline.tools.option.ModelOptions;
import dev.hyaline.tools.option.ModelVocabulary;
import dev.hyaline.tools.option.PageOption;
import dev.hyaline.tools.option.PromptOptions;
import dev.hyaline.tools.option.SamplingOptions;
import dev.hyaline.tools.option.WeightOptions;
import dev.hyaline.tools.report.EditReport;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.DisplayText;
import dev.hyaline.weights.Checkpoint;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code hyaline edit}: running prompts with and without interventions. */
@Command(
        name = "edit",
        header = "Changes a model's activations while it runs, and shows the effect.",
        description = {
            "",
            "Runs each prompt as it is and with interventions, and shows the likeliest next tokens before and after,"
                    + " how far the two predictions are apart, and what became of chosen logit differences."
                    + PromptOptions.WITHOUT_PROMPTS
        },
        sortOptions = false,
        abbreviateSynopsis = true,
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  hyaline edit --zero z --layers 2 --heads 1,5",
            "  hyaline edit --zero blocks.1.hook_mlp_out --compare \" Mary\" \" John\"",
            "  hyaline edit --patch resid_pre --layers 1 --positions 4 \\",
            "      --source \"When Mary and Tom went to the store, Tom gave a drink to\"",
            "  hyaline edit --resample z --positions 1-3 --source \"The dog likes Tom\" --source \"Anna saw it\"",
            "  hyaline edit --scale 'blocks.[0-2].hook_*_out=0.5' --positions last",
            "  hyaline edit --edits edits.json --generate 20 --json",
            "",
            "A file of interventions:",
            "  {\"format\": \"hyaline-interventions/1\", \"in_order\": false, \"interventions\": [",
            "    {\"do\": \"zero\", \"site\": \"attn.hook_z\", \"layers\": \"2\", \"heads\": \"1,5\", \"positions\":"
                    + " \"-1\"},",
            "    {\"do\": \"mean\", \"site\": \"z\", \"layers\": \"0\", \"reference\": \"source\", \"by_position\":"
                    + " true},",
            "    {\"do\": \"add\", \"site\": \"blocks.1.hook_resid_pre\", \"coefficient\": 4,",
            "     \"vector\": {\"file\": \"steer.safetensors\", \"tensor\": \"mood\"}}]}",
            "  in_order: true lets a later one act on the result of an earlier one at the same places, as --in-order",
            "    does; otherwise two that write the same values are an error",
            "  site: one site, in all layers (z, attn.hook_z, blocks.*.attn.hook_z) or in its layer",
            "  Where, by default everywhere: layers, heads, positions, sequences, each like \"0,3-5,-1\", and",
            "    components (neurons, dimensions, keys, logits) or subspace (an array of vectors)",
            "  do, with what it takes:",
            "    zero; swap_heads; scale: factor; set: value; add: vector and, if not 1, coefficient;",
            "    project_out: directions (an array of vectors); noise: deviation, seed;",
            "    patch: source and, if not each prompt's own, sequence; resample: reference, seed;",
            "    mean: reference and, for each position's own mean, by_position: true",
            "  A vector, value or direction: an array, a number, or {\"file\": F, \"tensor\": T, \"row\": N}",
            "  A source or reference: \"source\" (the runs of --source), {\"dump\": DIR}, or the values themselves:",
            "    {\"sequences\": [{\"length\": 7, \"positions\": [0, 6], \"values\": {NAME: [...]}}]}"
        })
public final class EditCommand implements Runnable, CheckedOptions {
    private final Console console;

    @Mixin
    private PromptOptions promptOptions;

    @Mixin
    private ModelOptions modelOptions;

    @Mixin
    private WeightOptions weightOptions;

    @Mixin
    private EngineOptions engineOptions;

    @Mixin
    private PageOption page;

    @Mixin
    private EditOptions editOptions = EditOptions.sampling(true);

    @Option(
            names = "--compare",
            arity = "2",
            paramLabel = "TOKEN",
            description = {
                "Show the logit of a token minus another's: --compare \" Mary\" \" John\". Each must be one token; #7"
                        + " is the token of id 7. Give it again for more."
            })
    private List<String> compared = new ArrayList<>();

    @Option(
            names = "--top",
            paramLabel = "K",
            description = "Show this many of the likeliest tokens. Default: ${DEFAULT-VALUE}")
    private int top = 5;

    @Option(
            names = "--generate",
            paramLabel = "N",
            description = {
                "Also continue each prompt by at most N tokens, the likeliest each time unless told to sample; with"
                        + " and without the edit the same seed."
            })
    private int newTokens;

    @Mixin
    private SamplingOptions samplingOptions;

    @Mixin
    private CommonOptions common;

    public EditCommand(Console console) {
        this.console = console;
    }

    @Override
    public void check() {
        CheckedOptions.requireAtLeast("--top", 1, top);
        CheckedOptions.requireAtLeast("--generate", 0, newTokens);
        if (newTokens == 0 && samplingOptions.isGiven()) {
            throw new BadInputException("--temperature, --top-k and --top-p are for --generate");
        }
        if (newTokens == 0 && editOptions.seed() != null && !editOptions.drawsValues()) {
            throw new BadInputException("--seed is for --noise and --resample, and for --generate");
        }
        sampling();
    }

    /** A seed alone draws tokens, unless it is that of drawn edits. */
    private Sampling sampling() {
        boolean drawn = newTokens > 0 && (samplingOptions.isGiven() || !editOptions.drawsValues());
        return samplingOptions.sampling(drawn ? editOptions.seed() : null);
    }

    @Override
    public void run() {
        try (Checkpoint checkpoint = modelOptions.open(console)) {
            ModelVocabulary vocabulary = new ModelVocabulary(checkpoint);
            Prompts prompts = promptOptions.encode(promptOptions.read(), checkpoint.config(), vocabulary);
            List<EditReport.Pair> pairs = pairs(vocabulary, checkpoint.config().dVocab());
            try (Gpt2 engine = engineOptions.open(weightOptions.weights(checkpoint), console)) {
                Interventions interventions = editOptions.read(engine, promptOptions, vocabulary);
                InterventionProbe.of(interventions, engine.config(), prompts); // refused before the prompts run
                EditReport report =
                        new EditReport(console, checkpoint.name(), vocabulary, prompts, interventions, pairs, top);
                BaseRun run = BaseRun.record(engine, prompts);
                report.print(engine, outcomes(engine, run, prompts, interventions, vocabulary), common.json);
                page.write(
                        console,
                        checkpoint,
                        () -> page(checkpoint.name(), run, prompts, interventions, vocabulary, pairs),
                        common.json);
            }
        }
    }

    /** Each prompt's run beside the edited one. */
    private Page page(
            String model,
            BaseRun run,
            Prompts prompts,
            Interventions interventions,
            ModelVocabulary vocabulary,
            List<EditReport.Pair> pairs) {
        List<View> views = new ArrayList<>();
        for (int s = 0; s < prompts.size(); s++) {
            int[] tokens = prompts.tokens(s);
            ViewHeading heading = page.heading("Edited run", model)
                    .withPrompt(
                            vocabulary.tokenizer().map(of -> of.decode(tokens)).orElse(""),
                            Arrays.stream(tokens).mapToObj(vocabulary::shown).toList())
                    .withJava("RunComparison.of(run, " + s + ", interventions)");
            RunComparison comparison = RunComparison.of(run, s, interventions.on(s, prompts.size()));
            RunComparison shown = pairs.isEmpty()
                    ? comparison
                    : comparison.compare(
                            pairs.getFirst().token(), pairs.getFirst().other());
            views.add(RunView.of(heading, shown, vocabulary::shown));
        }
        return Page.of("Edited run of " + model, views);
    }

    private List<EditReport.Outcome> outcomes(
            Gpt2 engine, BaseRun run, Prompts prompts, Interventions interventions, ModelVocabulary vocabulary) {
        int count = prompts.size();
        List<SequenceEdit> edits = new ArrayList<>();
        IntStream.range(0, count).forEach(s -> edits.add(SequenceEdit.of(s)));
        IntStream.range(0, count).forEach(s -> edits.add(new SequenceEdit(s, interventions.on(s, count))));
        List<RerunResult> results =
                run.rerun(edits).logits(LogitSelection.last()).results();
        Generator generator = Generator.of(engine)
                .sampling(sampling())
                .maxNewTokens(newTokens)
                .stopAt(vocabulary.ends());
        List<EditReport.Outcome> outcomes = new ArrayList<>();
        for (int s = 0; s < count; s++) {
            int[] before = newTokens == 0 ? new int[0] : generator.generate(prompts.tokens(s));
            int[] after = newTokens == 0 ? new int[0] : run.generate(edits.get(count + s), generator);
            outcomes.add(new EditReport.Outcome(
                    results.get(s).logits(), results.get(count + s).logits(), before, after));
        }
        return outcomes;
    }

    private List<EditReport.Pair> pairs(ModelVocabulary vocabulary, int tokens) {
        List<EditReport.Pair> pairs = new ArrayList<>();
        for (int i = 0; i < compared.size(); i += 2) {
            pairs.add(new EditReport.Pair(
                    token(compared.get(i), vocabulary, tokens), token(compared.get(i + 1), vocabulary, tokens)));
        }
        return pairs;
    }

    /** Parses one token given to {@code --compare}. */
    private static int token(String text, ModelVocabulary vocabulary, int tokens) {
        int[] found = text.matches("#\\d{1,9}")
                ? new int[] {Integer.parseInt(text.substring(1))}
                : vocabulary.encode(text, false);
        if (found.length != 1) {
            throw new BadInputException("--compare: " + DisplayText.quoted(text) + " is "
                    + DisplayText.plural(found.length, "token") + ", not one"
                    + (!text.startsWith(" ") && vocabulary.encode(" " + text, false).length == 1
                            ? "; with a blank before it, as inside a text, it is one"
                            : "; most words begin with a blank"));
        }
        if (found[0] >= tokens) {
            throw new BadInputException(
                    "--compare: the vocabulary runs from 0 to " + (tokens - 1) + ", found " + found[0]);
        }
        return found[0];
    }
}
