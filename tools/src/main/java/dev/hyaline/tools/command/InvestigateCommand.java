package dev.hyaline.tools.command;

import dev.hyaline.analysis.investigation.Investigation;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.tools.option.CheckedOptions;
import dev.hyaline.tools.option.Choice;
import dev.hyaline.tools.option.CommonOptions;
import dev.hyaline.tools.option.PathOption;
import dev.hyaline.tools.terminal.Console;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code hyaline investigate}: the file of an investigation, checked, completed and explained. */
@Command(
        name = "investigate",
        header = "Checks, completes and explains the file of an investigation.",
        description = {
            "",
            "The file states a behaviour and claims about what in the model brings it about, each with a direction and"
                + " a number. Nothing is run: the experiments are in the library, dev.hyaline.analysis.investigation."
        },
        sortOptions = false,
        abbreviateSynopsis = true,
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {"  hyaline investigate --example ioi > ioi.json", "  hyaline investigate --check ioi.json"})
public final class InvestigateCommand implements Runnable, CheckedOptions {
    /** The built-in examples. */
    static final class ExampleNames extends Choice<String> {
        ExampleNames() {
            super(Investigation.examples());
        }
    }

    private final Console console;

    @Option(
            names = "--check",
            paramLabel = "FILE",
            description = "Print the file's claims in words, and the file with every default written out.")
    private @Nullable String file;

    @Option(
            names = "--example",
            paramLabel = "NAME",
            completionCandidates = ExampleNames.class,
            converter = ExampleNames.class,
            description = "Print a file to begin with: ${COMPLETION-CANDIDATES}.")
    private @Nullable String example;

    @Mixin
    private CommonOptions common;

    public InvestigateCommand(Console console) {
        this.console = console;
    }

    @Override
    public void check() {
        if ((file == null) == (example == null)) {
            throw new BadInputException(
                    "investigate takes --check FILE or --example NAME, found " + (file == null ? "neither" : "both"));
        }
        if (file != null) {
            PathOption.readable("--check", file);
        }
    }

    @Override
    public void run() {
        if (example != null) {
            print(Investigation.example(example));
        } else if (file != null) {
            Investigation investigation = Investigation.read(PathOption.parse("--check", file));
            if (!common.json) {
                console.out().println(console.bold(investigation.title()));
                investigation.explain().forEach(line -> console.out().println(line));
                console.out().println();
            }
            print(investigation);
        }
    }

    private void print(Investigation investigation) {
        console.out().print(new String(investigation.toJson(), StandardCharsets.UTF_8));
    }
}
