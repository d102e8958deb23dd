package dev.hyaline.tools.command;

import dev.hyaline.analysis.prompt.PromptEncoder;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.explorer.Folded;
import dev.hyaline.explorer.Listing;
import dev.hyaline.explorer.Page;
import dev.hyaline.explorer.View;
import dev.hyaline.explorer.live.ExploredDump;
import dev.hyaline.explorer.live.ExploredLatents;
import dev.hyaline.explorer.live.ExploredModel;
import dev.hyaline.explorer.live.ExploredViews;
import dev.hyaline.explorer.live.ExplorerServer;
import dev.hyaline.explorer.view.PromptViews;
import dev.hyaline.files.Printable;
import dev.hyaline.instrument.dump.ActivationStore;
import dev.hyaline.tools.option.CheckedOptions;
import dev.hyaline.tools.option.CommonOptions;
import dev.hyaline.tools.option.EngineOptions;
import dev.hyaline.tools.option.ExploredFiles;
import dev.hyaline.tools.option.ModelOptions;
import dev.hyaline.tools.option.ModelVocabulary;
import dev.hyaline.tools.option.PageOption;
import dev.hyaline.tools.option.PairOptions;
import dev.hyaline.tools.option.PathOption;
import dev.hyaline.tools.option.PromptOptions;
import dev.hyaline.tools.option.WeightOptions;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.JsonOutput;
import dev.hyaline.tools.terminal.StopSignal;
import dev.hyaline.weights.Checkpoint;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code hyaline explore}: a page in a browser that runs the model. */
@Command(
        name = "explore",
        header = "Opens a page in which one looks into the model, changes something and sees the answer.",
        description = {
            "",
            "Prints an address to open in a browser on this machine. The page shows the model at work on a prompt, and"
                + " runs it again, with edits, as one types and drags. Only who has the whole address can use it, and"
                + " it can be reached from this machine alone. Ctrl-C ends it.",
            "",
            "From another machine:  ssh -L 8123:127.0.0.1:8123 THIS-MACHINE  and  hyaline explore --port 8123  there;"
                    + " then open the printed address here."
        },
        sortOptions = false,
        abbreviateSynopsis = true,
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  hyaline explore",
            "  hyaline explore --prompt \"The capital of France is\"",
            "  hyaline explore --model gpt2 --port 8123",
            "  hyaline explore --sae DIR --dump hyaline-dump",
            "  hyaline explore --prompt \"The capital of France is\" --export page.html"
        })
public final class ExploreCommand implements Runnable, CheckedOptions {
    private static final int MAX_PORT = 65_535;
    private static final String EXPORT = "--export";

    private final Console console;

    @Option(
            names = {"-p", "--prompt"},
            paramLabel = "TEXT",
            description = "The prompt that the page begins with. Default: \"" + PromptOptions.BUILT_IN_PROMPT + "\"")
    private @Nullable String prompt;

    @Mixin
    private ModelOptions modelOptions;

    @Mixin
    private EngineOptions engineOptions;

    @Mixin
    private WeightOptions weights;

    @Mixin
    private ExploredFiles files;

    @Option(names = "--port", paramLabel = "N", description = "The port to listen on. Default: one that is free")
    private int port;

    @Option(names = "--host", paramLabel = "HOST", hidden = true, description = "Refused.")
    private @Nullable String host;

    @Option(
            names = EXPORT,
            paramLabel = "FILE",
            description =
                    "Instead of serving, write the page of the prompt to this file, which any browser opens without"
                            + " a network.")
    private @Nullable String export;

    @Mixin
    private CommonOptions common;

    public ExploreCommand(Console console) {
        this.console = console;
    }

    @Override
    public void check() {
        if (host != null) {
            int shown = port == 0 ? 8123 : port;
            throw new BadInputException("--host is not taken: the page is for this machine alone. From another machine,"
                    + " use a tunnel: ssh -L " + shown + ":127.0.0.1:" + shown + " THIS-MACHINE, and here hyaline"
                    + " explore --port " + shown);
        }
        if (export != null) {
            if (port != 0) {
                throw new BadInputException("--port is of a page that is served; leave out --export or --port");
            }
            PathOption.newFile(EXPORT, export);
        }
        if (port < 0 || port > MAX_PORT) {
            throw new BadInputException("--port must be from 0 to " + MAX_PORT + ", found " + port);
        }
    }

    @Override
    public void run() {
        if (export != null) {
            export(PathOption.parse(EXPORT, export));
            return;
        }
        try (StopSignal signal = new StopSignal();
                Checkpoint checkpoint = modelOptions.open(console)) {
            ModelVocabulary vocabulary = new ModelVocabulary(checkpoint);
            @Nullable
            PromptEncoder encoder = vocabulary.tokenizer().isPresent() ? PairOptions.encoder(vocabulary, true) : null;
            String first = first(encoder, vocabulary, checkpoint.config());
            try (ActivationStore store = files.openDump(checkpoint, weights.steps());
                    Gpt2 model = engineOptions.open(weights.weights(checkpoint), console);
                    ExplorerServer server = ExplorerServer.start(
                            explored(checkpoint, vocabulary, model, encoder, store), first, port)) {
                print(server.address());
                server.prepare();
                signal.await();
            }
        }
    }

    private ExploredModel explored(
            Checkpoint checkpoint,
            ModelVocabulary vocabulary,
            Gpt2 model,
            @Nullable PromptEncoder encoder,
            @Nullable ActivationStore store) {
        ExploredModel explored = new ExploredModel(checkpoint.name(), options(), model, encoder, vocabulary::shown);
        ExploredLatents latents = files.latents(model, vocabulary, store, console);
        explored = latents == null ? explored : explored.withLatents(latents);
        return store == null ? explored : explored.withDump(new ExploredDump(files.dumpName(), store));
    }

    /** The options of a command that choose the same model and processing. */
    private String options() {
        List<String> options = new ArrayList<>();
        if (!modelOptions.isDefault()) {
            options.addAll(List.of("--model", modelOptions.pinned()));
        }
        options.addAll(weights.canonical());
        return options.stream().map(Printable::shellWord).collect(Collectors.joining(" "));
    }

    /** Writes all views of the prompt to a file. */
    private void export(Path file) {
        try (Checkpoint checkpoint = modelOptions.open(console)) {
            ModelVocabulary vocabulary = new ModelVocabulary(checkpoint);
            @Nullable
            PromptEncoder encoder = vocabulary.tokenizer().isPresent() ? PairOptions.encoder(vocabulary, true) : null;
            String text = first(encoder, vocabulary, checkpoint.config());
            int[] tokens = encoder != null
                    ? encoder.prompt(text)
                    : new int[] {vocabulary.beginOfText().orElse(0)};
            if (encoder != null && tokens.length < 2) {
                throw new BadInputException(
                        text.isEmpty() ? "--prompt is empty" : "--prompt has one token; a page takes at least two");
            }
            try (ActivationStore store = files.openDump(checkpoint, weights.steps());
                    Gpt2 model = engineOptions.open(weights.weights(checkpoint), console)) {
                String options = (options().isEmpty() ? "" : options() + " ")
                        + (encoder != null ? "--prompt " + Printable.shellWord(text) : "--tokens " + text);
                PromptViews views = PromptViews.of(
                        model, checkpoint.name(), encoder == null ? "" : text, tokens, vocabulary::shown, options);
                console.err()
                        .printf(Locale.ROOT, "hyaline: the page will take about %.1f MB%n", views.forecast() / 1e6);
                console.flush();
                List<View> all = new ArrayList<>(views.all());
                ExploredModel explored = explored(checkpoint, vocabulary, model, encoder, store);
                all.addAll(ExploredViews.of(explored, encoder == null ? "" : text, tokens));
                all.add(whatNeedsTheModel(options, options()));
                Page page = Page.of(checkpoint.name() + ": " + text, all);
                PageOption.write(console, file, page, common.record(EXPORT, checkpoint), common.json);
            }
        }
        if (common.json) {
            JsonOutput.print(console, out -> out.writeStringProperty("page", file.toString()));
        }
    }

    /**
     * How to have the views that a file cannot hold: they depend on what is compared or changed.
     *
     * @param prompted the options that name the model and the prompt
     * @param model those that name the model
     */
    private static View whatNeedsTheModel(String prompted, String model) {
        return new Folded(
                "Attribution, patching and ablation maps, circuits, edits: these need the model",
                new Listing("# to choose what is compared or changed, and see them\n"
                        + "hyaline explore " + prompted + "\n\n"
                        + "# to write one of them as a file like this; each lists its options with --help\n"
                        + Stream.of("attribute", "patch", "ablate", "circuit", "edit")
                                .map(command -> "hyaline " + command + (model.isEmpty() ? "" : " " + model) + " --html "
                                        + command + ".html")
                                .collect(Collectors.joining("\n"))));
    }

    /** The prompt to begin with, as text or, without a tokenizer, as token ids. */
    private String first(@Nullable PromptEncoder encoder, ModelVocabulary vocabulary, Gpt2Config config) {
        if (encoder == null) {
            if (prompt != null) {
                throw new BadInputException(
                        "the model has no tokenizer files; leave out --prompt, and give token ids in" + " the page");
            }
            return String.valueOf(vocabulary.beginOfText().orElse(0));
        }
        String text = prompt == null ? PromptOptions.BUILT_IN_PROMPT : prompt;
        int tokens = encoder.prompt(text).length;
        if (tokens == 0) {
            throw new BadInputException("--prompt is empty");
        }
        if (tokens > config.nCtx()) {
            throw new BadInputException(
                    "--prompt has " + tokens + " tokens, but the model has " + config.nCtx() + " positions");
        }
        return text;
    }

    private void print(URI address) {
        if (common.json) {
            JsonOutput.print(console, out -> out.writeStringProperty("address", address.toString()));
        } else {
            console.out().println(address);
            console.err().println("hyaline: open this address in a browser on this machine; Ctrl-C ends it");
        }
        console.flush();
    }
}
