package dev.hyaline.tools.command;

import dev.hyaline.analysis.sanity.BuiltInMethod;
import dev.hyaline.analysis.sanity.SanityCheck;
import dev.hyaline.analysis.sanity.SanitySuite;
import dev.hyaline.analysis.sanity.Subject;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.tools.option.CheckedOptions;
import dev.hyaline.tools.option.Choice;
import dev.hyaline.tools.option.Study;
import dev.hyaline.tools.option.StudyOptions;
import dev.hyaline.tools.report.StudyHeading;
import dev.hyaline.tools.report.Table;
import dev.hyaline.tools.report.TableView;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.JsonOutput;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code hyaline sanity}: whether a method's findings mean anything. */
@Command(
        name = "sanity",
        header = "Checks a method before its findings are believed.",
        description = {
            "",
            "Runs a method on pairs of prompts, and on what it must find nothing in: answers exchanged by lot, permuted"
                    + " weights, permuted tokens. Compares its finding with random ones and the engine with double"
                    + " precision. The exit code is 1 if a check fails."
        },
        sortOptions = false,
        abbreviateSynopsis = true,
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  hyaline sanity ablate",
            "  hyaline sanity attribute --task pronouns --count 24",
            "  hyaline sanity eap-ig --count 12",
            "  hyaline sanity patch --json"
        })
public final class SanityCommand implements Callable<Integer>, CheckedOptions {
    private static final int FAILED = 1;

    /** The methods. */
    static final class Methods extends Choice<BuiltInMethod> {
        Methods() {
            super(List.of(BuiltInMethod.values()));
        }
    }

    private final Console console;

    @Parameters(
            paramLabel = "METHOD",
            completionCandidates = Methods.class,
            converter = Methods.class,
            description = {
                "${COMPLETION-CANDIDATES}. The first six score every head, the others every edge; exact takes a minute."
            })
    @SuppressWarnings("NullAway.Init") // picocli sets what is required
    private BuiltInMethod method;

    @Mixin
    private StudyOptions options;

    public SanityCommand(Console console) {
        this.console = console;
    }

    @Override
    public void check() {
        if (options.tables().isAsked()) {
            throw new BadInputException("--out writes tables of results; the checks are printed only");
        }
    }

    @Override
    public Integer call() {
        try (Study study = options.open(console);
                Gpt2 model = study.start()) {
            Subject subject = new Subject(
                    model, study.pairs(), options.metric(), options.pairs().seed());
            List<SanityCheck> checks = SanitySuite.of(method).run(subject);
            if (options.json()) {
                print(study, checks);
            } else {
                show(study, checks);
            }
            return checks.stream().anyMatch(SanityCheck::failed) ? FAILED : 0;
        }
    }

    private void show(Study study, List<SanityCheck> checks) {
        StudyHeading.print(
                console,
                study.model(),
                study.pairs(),
                ", " + method + " by " + options.metric().quantity());
        Table table = new Table("check", "", ">figure", ">bound", "");
        for (SanityCheck check : checks) {
            table.row(
                    check.name(),
                    check.status().toString(),
                    TableView.figure(check.figure()),
                    TableView.figure(check.bound()),
                    check.words());
        }
        table.print(console);
        console.out().println(console.dim(TableView.units(study.pairs())));
    }

    private void print(Study study, List<SanityCheck> checks) {
        JsonOutput.print(console, out -> {
            out.writeStringProperty("model", study.model());
            out.writeStringProperty("method", method.toString());
            out.writeNumberProperty("n", study.pairs().size());
            out.writeBooleanProperty("units_known", study.pairs().units().isPresent());
            out.writeArrayPropertyStart("checks");
            for (SanityCheck check : checks) {
                out.writeStartObject();
                out.writeStringProperty("name", check.name());
                out.writeStringProperty("outcome", check.status().toString());
                JsonOutput.number(out, "figure", check.figure());
                JsonOutput.number(out, "bound", check.bound());
                out.writeStringProperty("words", check.words());
                out.writeEndObject();
            }
            out.writeEndArray();
        });
    }
}
