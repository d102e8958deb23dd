package dev.hyaline.tools.command;

import dev.hyaline.analysis.laboratory.Laboratory;
import dev.hyaline.analysis.table.CommandRecord;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.files.InputErrors;
import dev.hyaline.files.Json;
import dev.hyaline.instrument.dump.DumpPlan;
import dev.hyaline.instrument.dump.Provenance.ModelFile;
import dev.hyaline.tools.terminal.Console;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/**
 * A file or folder that a command wrote, and how.
 *
 * @param folder that it is in, or that it is
 * @param telling the file that the record is in
 * @param isWhole whether this file is all that the record is of, and not one of a folder's
 */
record MadeFile(Path path, Path folder, Path telling, CommandRecord record, boolean isWhole) {
    private static final String MANIFEST = "manifest.json";
    /** Folders between a study and its files, and one. */
    private static final int STUDY_DEPTH = 3;

    private static final String CHECKPOINT = ".training.safetensors";

    /** The option of a dump that is only planned. */
    static final String PLAN = "--plan";

    /** @throws BadInputException if it does not say how it was made, or is not finished */
    static MadeFile of(Path path, Console console) {
        if (path.toString().endsWith(CHECKPOINT)) {
            throw new BadInputException(path + " is of a training that was stopped; " + end(path, console)
                    + ", and redo makes again what it then writes");
        }
        return ofFile(path)
                .or(() -> ofFolder(path))
                .orElseThrow(() -> new BadInputException(path + " does not say how it was made"
                        + (Files.isRegularFile(path.resolve(DumpPlan.FILE))
                                ? ": the dump is not finished; hyaline dump --finish writes its " + MANIFEST
                                : ", and there is no " + CommandRecord.FILE + " or " + MANIFEST
                                        + (Files.isDirectory(path) ? " in it" + inside(path) : " beside it"))));
    }

    private static String inside(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            return files.findAny().isPresent() ? "; name one of its files" : ": it is empty";
        } catch (IOException e) {
            throw FileException.reading(folder, e);
        }
    }

    /** What ends a training that was stopped: its command, with the folder after which its file is named. */
    private static String end(Path checkpoint, Console console) {
        String path = checkpoint.toString();
        List<String> command =
                CommandRecord.of(checkpoint).map(CommandRecord::command).orElse(List.of());
        if (command.isEmpty() || isOfSeveralTrainings(command, console)) {
            return "the command that began it" + (command.isEmpty() ? "" : ", hyaline " + RedoCommand.shown(command))
                    + ", ends it with its --out and --resume";
        }
        List<String> whole = new ArrayList<>(command);
        whole.addAll(List.of("--out", path.substring(0, path.length() - CHECKPOINT.length()), "--resume"));
        return "hyaline " + RedoCommand.shown(whole) + " ends it";
    }

    /** Several autoencoders that are trained at once have files named after the folder and themselves. */
    private static boolean isOfSeveralTrainings(List<String> command, Console console) {
        CommandSpec spec = RedoCommand.named(command, console);
        Map<String, Integer> values = new HashMap<>();
        for (int i = 0; i < command.size(); i++) {
            String[] word = command.get(i).split("=", 2);
            OptionSpec option = spec.findOption(word[0]);
            if (option != null && option.isMultiValue()) {
                String value = word.length == 2 ? word[1] : command.get(Math.min(i + 1, command.size() - 1));
                values.merge(word[0], value.split(",", -1).length, Integer::sum);
            }
        }
        return values.values().stream().anyMatch(count -> count > 1);
    }

    /** The study that a file or folder is of; empty if it is of none, or says itself how it was made. */
    static Optional<Path> study(Path path) {
        if (ofFile(path).isPresent()) {
            return Optional.empty();
        }
        return Stream.iterate(path.toAbsolutePath().normalize(), Objects::nonNull, Path::getParent)
                .limit(STUDY_DEPTH)
                .filter(folder -> Files.isRegularFile(folder.resolve("investigation.json"))
                        && Files.isDirectory(folder.resolve(Laboratory.PHASES.getFirst())))
                .findFirst();
    }

    /** What the file says itself, or the JSON of its name. */
    private static Optional<MadeFile> ofFile(Path path) {
        String name = path.toString();
        Path telling = name.endsWith(".csv") ? Path.of(name.replaceFirst("csv$", "json")) : path;
        if (!Files.isRegularFile(telling)) {
            return Optional.empty();
        }
        Optional<CommandRecord> record = CommandRecord.of(telling);
        return record.or(() -> ofPlan(path))
                .map(made ->
                        new MadeFile(path, parent(path), telling, made, record.isPresent() && made.output() != null));
    }

    /** What another file of the folder says of all. */
    private static Optional<MadeFile> ofFolder(Path path) {
        Path folder = Files.isDirectory(path) ? path : parent(path);
        return in(path, folder).or(() -> ofSeveral(folder));
    }

    /** A folder of several folders that one command made says it in each, and the same. */
    private static Optional<MadeFile> ofSeveral(Path folder) {
        if (!Files.isDirectory(folder)) {
            return Optional.empty();
        }
        try (Stream<Path> files = Files.list(folder)) {
            List<MadeFile> all = files.filter(Files::isDirectory)
                    .sorted()
                    .flatMap(inner -> in(folder, inner).stream())
                    .toList();
            if (all.size() < 2 || all.stream().map(MadeFile::record).distinct().count() != 1) {
                return Optional.empty();
            }
            return Optional.of(new MadeFile(
                    folder, folder, all.getFirst().telling(), all.getFirst().record(), false));
        } catch (IOException e) {
            throw FileException.reading(folder, e);
        }
    }

    private static Optional<MadeFile> in(Path path, Path folder) {
        Path made = folder.resolve(CommandRecord.FILE);
        Path manifest = folder.resolve(MANIFEST);
        boolean isMade = Files.isRegularFile(made);
        if (!isMade && !Files.isRegularFile(manifest)) {
            return Optional.empty();
        }
        Path telling = isMade ? made : manifest;
        CommandRecord record = (isMade ? CommandRecord.of(made) : ofDump(json(manifest), null))
                .orElseThrow(
                        () -> new BadInputException(telling + " does not say how the files in its folder were made:"
                                + " it has no key " + (isMade ? CommandRecord.KEY : "command")));
        return Optional.of(new MadeFile(path, folder, telling, record, false));
    }

    private static Optional<CommandRecord> ofPlan(Path plan) {
        return plan.endsWith(DumpPlan.FILE) ? ofDump(json(plan), PLAN) : Optional.empty();
    }

    /** A file that holds a JSON object. */
    static Json json(Path file) {
        try {
            return Json.readObject(InputErrors.INSTANCE, file.toString(), Files.readAllBytes(file));
        } catch (IOException e) {
            throw FileException.reading(file, e);
        }
    }

    /** The record in a dump's manifest or plan, whose request says what is computed. */
    private static Optional<CommandRecord> ofDump(Json json, @Nullable String output) {
        if (json.get("command").isEmpty()) {
            return Optional.empty();
        }
        Json request = json.get("request").orElse(json);
        List<String> command =
                json.require("command").elements().stream().map(Json::string).toList();
        Json model = request.require("model");
        return Optional.of(new CommandRecord(
                request.require("tool").string(),
                command.subList(Math.min(1, command.size()), command.size()),
                output,
                model.get("name").map(Json::string).orElse(null),
                model.require("files").elements().stream()
                        .map(of -> new ModelFile(
                                of.require("name").string(),
                                of.require("bytes").whole(0),
                                of.require("sha256").string()))
                        .toList()));
    }

    /** Returns whether this is a folder of folders that one command made. */
    boolean isOfSeveral() {
        return Files.isDirectory(path)
                && !Files.exists(path.resolve(CommandRecord.FILE))
                && !Files.exists(path.resolve(MANIFEST));
    }

    /** The folder as it was given; that of a bare name has the empty name. */
    private static Path parent(Path path) {
        return Objects.requireNonNullElse(path.getParent(), Path.of(""));
    }

    /** Returns whether a file of a folder tells how all were made. */
    static boolean tells(String name) {
        return name.equals(MANIFEST) || name.equals(CommandRecord.FILE);
    }
}
