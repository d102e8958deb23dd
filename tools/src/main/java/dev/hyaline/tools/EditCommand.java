package dev.hyaline.tools;

import dev.hyaline.engine.BadInputException;
import dev.hyaline.engine.Generator;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.instrument.Edit;
import dev.hyaline.instrument.Interventions;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.Resumed;
import dev.hyaline.instrument.Run;
import dev.hyaline.weights.Checkpoint;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code hyaline edit}: runs prompts with and without interventions. */
@Command(
        name = "edit",
        header = "Changes a model's inside while it runs, and shows what that does.",
        description = {
            "",
            "Runs each prompt as it is and with interventions, and shows the likeliest next tokens before and after,"
                    + " how far the two predictions are apart, and what became of chosen logit differences."
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
            "  hyaline edit --edits edits.json --generate 20 --json",
            "",
            "A file of interventions:",
            "  {\"format\": \"hyaline-interventions/1\", \"interventions\": [",
            "    {\"do\": \"zero\", \"site\": \"attn.hook_z\", \"layers\": \"2\", \"heads\": \"1,5\", \"positions\":"
                    + " \"-1\"},",
            "    {\"do\": \"add\", \"site\": \"blocks.1.hook_resid_pre\", \"coefficient\": 4,",
            "     \"vector\": {\"file\": \"steer.safetensors\", \"tensor\": \"mood\"}}]}",
            "  do: zero mean resample patch set add scale project_out swap_heads noise"
        })
final class EditCommand implements Runnable {
    private final Console console;

    @Mixin
    private PromptOptions promptOptions;

    @Mixin
    private ModelOptions modelOptions;

    @Mixin
    private EngineOptions engineOptions;

    @Mixin
    private EditOptions editOptions;

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
            description = "Continue each prompt by at most N tokens too, the likeliest each time.")
    private int newTokens;

    @Mixin
    private CommonOptions common;

    EditCommand(Console console) {
        this.console = console;
    }

    @Override
    public void run() {
        if (top < 1) {
            throw new BadInputException("--top must be at least 1, found " + top);
        }
        if (newTokens < 0) {
            throw new BadInputException("--generate must be at least 0, found " + newTokens);
        }
        engineOptions.check();
        try (Checkpoint checkpoint = modelOptions.open(console)) {
            Vocabulary vocabulary = new Vocabulary(checkpoint);
            Prompts prompts = promptOptions.encode(promptOptions.read(console.in()), checkpoint.config(), vocabulary);
            List<EditReport.Pair> pairs = pairs(vocabulary);
            try (Gpt2 engine = engineOptions.open(checkpoint.weights(), console)) {
                Interventions interventions = editOptions.read(engine, promptOptions, vocabulary);
                interventions.probe(engine.config(), prompts); // refused before the prompts run
                EditReport report =
                        new EditReport(console, checkpoint.name(), vocabulary, prompts, interventions, pairs, top);
                report.print(engine, outcomes(engine, prompts, interventions, vocabulary), common.json);
            }
        }
    }

    private List<EditReport.Outcome> outcomes(
            Gpt2 engine, Prompts prompts, Interventions interventions, Vocabulary vocabulary) {
        int count = prompts.size();
        Run run = Run.of(engine, prompts);
        List<Edit> edits = new ArrayList<>();
        IntStream.range(0, count).forEach(s -> edits.add(Edit.of(s)));
        IntStream.range(0, count).forEach(s -> edits.add(new Edit(s, interventions.on(s, count))));
        List<Resumed> results = run.resume(edits).logits(LogitSelection.last()).results();
        Generator generator = Generator.of(engine).maxNewTokens(newTokens);
        if (vocabulary.tokenizer().isPresent()) {
            generator = generator.stopAt(vocabulary.required().endOfText());
        }
        List<EditReport.Outcome> outcomes = new ArrayList<>();
        for (int s = 0; s < count; s++) {
            int[] before = newTokens == 0 ? new int[0] : generator.generate(prompts.tokens(s));
            int[] after = newTokens == 0 ? new int[0] : run.generate(edits.get(count + s), generator);
            outcomes.add(new EditReport.Outcome(
                    results.get(s).logits(), results.get(count + s).logits(), before, after));
        }
        return outcomes;
    }

    private List<EditReport.Pair> pairs(Vocabulary vocabulary) {
        List<EditReport.Pair> pairs = new ArrayList<>();
        for (int i = 0; i < compared.size(); i += 2) {
            pairs.add(new EditReport.Pair(token(compared.get(i), vocabulary), token(compared.get(i + 1), vocabulary)));
        }
        return pairs;
    }

    /** One token as a user writes it. */
    private static int token(String text, Vocabulary vocabulary) {
        if (text.matches("#\\d{1,9}")) {
            return Integer.parseInt(text.substring(1));
        }
        int[] tokens = vocabulary.encode(text, false);
        if (tokens.length != 1) {
            throw new BadInputException("--compare: " + Text.quoted(text) + " is " + Text.plural(tokens.length, "token")
                    + ", not one; most words begin with a blank");
        }
        return tokens[0];
    }
}
