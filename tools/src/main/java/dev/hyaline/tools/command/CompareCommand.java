package dev.hyaline.tools.command;

import dev.hyaline.analysis.investigation.HypothesisVerdict;
import dev.hyaline.analysis.laboratory.StudyReport;
import dev.hyaline.analysis.laboratory.StudyReport.ClaimResult;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.tools.option.CheckedOptions;
import dev.hyaline.tools.option.CommonOptions;
import dev.hyaline.tools.option.PathOption;
import dev.hyaline.tools.report.Table;
import dev.hyaline.tools.report.TableView;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.JsonOutput;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;
import tools.jackson.core.JsonGenerator;

/** {@code hyaline compare}: two studies, claim by claim. */
@Command(
        name = "compare",
        header = "Puts two studies side by side, claim by claim.",
        description = {
            "",
            "Claims are matched by their names. The studies may be of other models, prompts or seeds: what differs is"
                    + " for the reader to weigh."
        },
        sortOptions = false,
        abbreviateSynopsis = true,
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {"  hyaline compare ioi ioi-seed-8"})
public final class CompareCommand implements Runnable, CheckedOptions {
    private final Console console;

    @Parameters(paramLabel = "DIR", arity = "2", description = "The folders of two studies that were analysed.")
    private List<String> folders = new ArrayList<>();

    @Mixin
    private CommonOptions common;

    public CompareCommand(Console console) {
        this.console = console;
    }

    @Override
    public void check() {
        for (String folder : folders) {
            if (!Files.isDirectory(PathOption.parse("DIR", folder))) {
                throw new BadInputException(folder + " is no folder of a study");
            }
        }
    }

    @Override
    public void run() {
        StudyReport one = read(folders.get(0));
        StudyReport other = read(folders.get(1));
        Set<String> names = new LinkedHashSet<>();
        one.claims().forEach(claim -> names.add(claim.name()));
        other.claims().forEach(claim -> names.add(claim.name()));
        if (common.json) {
            JsonOutput.print(console, json -> write(one, other, names, json));
            return;
        }
        Table table = new Table("claim", ">" + one.folder(), "verdict", ">" + other.folder(), "verdict");
        for (String name : names) {
            ClaimResult first = claim(one, name);
            ClaimResult second = claim(other, name);
            table.row(name, found(first), verdict(first), found(second), verdict(second));
        }
        table.row("hypothesis", "", verdict(one), "", verdict(other));
        table.print(console);
    }

    private static StudyReport read(String folder) {
        Path path = PathOption.parse("DIR", folder);
        StudyReport report = StudyReport.read(path);
        if (report.present() && report.claims().isEmpty()) {
            throw new BadInputException(folder + " holds no study that was analysed");
        }
        return report;
    }

    private static @Nullable ClaimResult claim(StudyReport report, String name) {
        return report.claims().stream()
                .filter(claim -> claim.name().equals(name))
                .findFirst()
                .orElse(null);
    }

    private static String found(@Nullable ClaimResult claim) {
        if (claim == null || claim.estimate() == null) {
            return "";
        }
        String found = TableView.figure(claim.estimate());
        return claim.low() == null || claim.high() == null
                ? found
                : found + " [" + TableView.figure(claim.low()) + ", " + TableView.figure(claim.high()) + "]";
    }

    private static String verdict(@Nullable ClaimResult claim) {
        return claim == null ? "no such claim" : claim.verdict();
    }

    private static String verdict(StudyReport report) {
        HypothesisVerdict verdict = report.verdict();
        if (!report.present()) {
            return "not present";
        }
        return verdict == null ? "none yet" : verdict.word().toString();
    }

    private static void write(StudyReport one, StudyReport other, Set<String> names, JsonGenerator json) {
        json.writeArrayPropertyStart("studies");
        for (StudyReport report : List.of(one, other)) {
            json.writeStartObject();
            json.writeStringProperty("folder", report.folder().toString());
            json.writeStringProperty("verdict", verdict(report));
            json.writeEndObject();
        }
        json.writeEndArray();
        json.writeArrayPropertyStart("claims");
        for (String name : names) {
            json.writeStartObject();
            json.writeStringProperty("name", name);
            json.writeArrayPropertyStart("found");
            for (StudyReport report : List.of(one, other)) {
                ClaimResult claim = claim(report, name);
                json.writeStartObject();
                json.writeStringProperty("verdict", verdict(claim));
                number("estimate", claim == null ? null : claim.estimate(), json);
                number("low", claim == null ? null : claim.low(), json);
                number("high", claim == null ? null : claim.high(), json);
                json.writeEndObject();
            }
            json.writeEndArray();
            json.writeEndObject();
        }
        json.writeEndArray();
    }

    private static void number(String key, @Nullable Double value, JsonGenerator json) {
        JsonOutput.number(json, key, value == null ? Double.NaN : value);
    }
}
