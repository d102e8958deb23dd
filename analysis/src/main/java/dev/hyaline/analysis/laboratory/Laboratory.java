package dev.hyaline.analysis.laboratory;

import dev.hyaline.analysis.investigation.Investigation;
import dev.hyaline.analysis.investigation.StudyPlan.PromptPlan;
import dev.hyaline.analysis.laboratory.StudyOrigin.EarlierStudy;
import dev.hyaline.analysis.prompt.PairFile;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.Digests;
import dev.hyaline.files.FileInput;
import dev.hyaline.files.InputErrors;
import dev.hyaline.files.Json;
import dev.hyaline.files.JsonText;
import dev.hyaline.files.Utf8;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Carries an investigation out, phase by phase, in a folder. Immutable; each method returns a changed copy.
 *
 * <p>Every phase is a function of the files that earlier ones wrote, and its own files appear together or not at all. A
 * study that was stopped in any way goes on where it was, and ends in the same bytes, whatever the number of threads. A
 * study of another file or model in the same folder is moved away, and the new one names it.
 *
 * <p>For example: {@snippet file="dev/hyaline/analysis/laboratory/LaboratoryTest.java" region="readme"}
 */
public final class Laboratory {
    static final String INVESTIGATION = "investigation.json";
    static final String PAIRS = "pairs.json";
    private static final String CLOCKS = "run.json";
    private static final String FILES_FROM = "files_from";
    private static final String EARLIER = "earlier-";
    private static final int MAX_PAIRS_BYTES = 1 << 30;
    /** Digits of a digest that tell earlier studies from one another. */
    private static final int DIGITS = 12;

    /** The phases that there are, by the names of their folders, in order. */
    public static final List<String> PHASES = List.of(
            FormalisePhase.NAME,
            AlternativesPhase.NAME,
            DesignPhase.NAME,
            DiscoveryPhase.NAME,
            HeldOutPhase.NAME,
            AnalysisPhase.NAME,
            RobustnessPhase.NAME,
            ReportPhase.NAME);

    private final StudyModel model;
    private final Path folder;
    private final Path pairsFolder;
    private final String program;
    private final @Nullable ReportPage page;
    private final String last;
    private final boolean fresh;
    private final @Nullable Again again;

    /** What a study that is made again takes from the first time. */
    private record Again(List<EarlierStudy> earlier, Path pairs) {}

    private Laboratory(
            StudyModel model,
            Path folder,
            Path pairsFolder,
            String program,
            @Nullable ReportPage page,
            String last,
            boolean fresh,
            @Nullable Again again) {
        this.model = model;
        this.folder = folder;
        this.pairsFolder = pairsFolder;
        this.program = program;
        this.page = page;
        this.last = last;
        this.fresh = fresh;
        this.again = again;
    }

    /** A laboratory for a model, in the folder {@code study}. */
    public static Laboratory of(StudyModel model) {
        return new Laboratory(
                model, Path.of("study"), Path.of(""), "hyaline", null, PHASES.getLast(), /* fresh= */ false, null);
    }

    /** Sets the folder that a study is in. It is made if it is not there. */
    public Laboratory in(Path newFolder) {
        return new Laboratory(model, newFolder, pairsFolder, program, page, last, fresh, again);
    }

    /**
     * Sets the folder that an investigation's file of pairs, dumped corpus and autoencoders are in; by default the
     * working one.
     */
    public Laboratory pairsFrom(Path newFolder) {
        return new Laboratory(model, folder, newFolder, program, page, last, fresh, again);
    }

    /** Sets the name and version of the program, which the locks hold. */
    public Laboratory program(String nameAndVersion) {
        return new Laboratory(model, folder, pairsFolder, nameAndVersion, page, last, fresh, again);
    }

    /** Sets what makes the page of the report; without one there is none. */
    public Laboratory page(ReportPage newPage) {
        return new Laboratory(model, folder, pairsFolder, program, newPage, last, fresh, again);
    }

    /**
     * Sets the last phase to run.
     *
     * @param phase one of {@link #PHASES}
     * @throws BadInputException if it is none
     */
    public Laboratory until(String phase) {
        if (!PHASES.contains(phase)) {
            throw new BadInputException("there is no phase " + phase + "; there are " + String.join(", ", PHASES));
        }
        return new Laboratory(model, folder, pairsFolder, program, page, phase, fresh, again);
    }

    /** Throws away what the folder has of the same study. */
    public Laboratory fresh() {
        return new Laboratory(model, folder, pairsFolder, program, page, last, /* fresh= */ true, again);
    }

    private Laboratory again(List<EarlierStudy> earlier, Path pairs) {
        return new Laboratory(model, folder, pairsFolder, program, page, last, fresh, new Again(earlier, pairs));
    }

    /**
     * Runs the phases that are not done yet.
     *
     * @throws BadInputException if the model or the prompts lack what the investigation names, a phase's file was
     *     changed since it was written, or another run is writing the folder
     */
    public StudyReport run(Investigation investigation, StudyProgress progress) {
        byte[] file = investigation.toJson();
        byte[] pairs = pairs(investigation);
        StudyAutoencoders autoencoders = StudyAutoencoders.read(investigation, pairsFolder);
        autoencoders.attached(model.model());
        try (StudyFolder out = StudyFolder.open(folder)) {
            String digest = model.sha256();
            moveOtherAway(out, file, pairs, digest, autoencoders, progress);
            StudyOrigin origin = new StudyOrigin(
                    model.name(),
                    digest,
                    model.tokenizer(),
                    pairs == null ? "" : Digests.sha256(pairs),
                    autoencoders.digests(),
                    program,
                    again == null ? earlierIn(out) : again.earlier);
            if (fresh) {
                PHASES.reversed().forEach(out::remove);
                PHASES.forEach(out::removeJournals);
            }
            if (pairs != null) {
                out.write(PAIRS, pairs);
            }
            out.write(INVESTIGATION, file);
            PairFile pairFile = pairs == null
                    ? null
                    : PairFile.parse(
                            Objects.requireNonNull(investigation.prompts().source()),
                            Utf8.strict(
                                    InputErrors.INSTANCE,
                                    Objects.requireNonNull(
                                            investigation.prompts().source()),
                                    pairs));
            run(investigation, origin, autoencoders, pairFile, out, progress);
            return StudyReport.read(folder);
        }
    }

    private void run(
            Investigation investigation,
            StudyOrigin origin,
            StudyAutoencoders autoencoders,
            @Nullable PairFile pairs,
            StudyFolder out,
            StudyProgress progress) {
        List<Phase<?, ?>> phases = List.of(
                new FormalisePhase(investigation, origin, model.model().config()),
                new AlternativesPhase(),
                new DesignPhase(model, autoencoders, origin, pairs),
                new DiscoveryPhase(model, autoencoders),
                new HeldOutPhase(model, autoencoders),
                new AnalysisPhase(),
                new RobustnessPhase(model),
                new ReportPhase(PHASES.subList(0, PHASES.size() - 1), page));
        Instant begin = Instant.now();
        Map<String, Double> seconds = new LinkedHashMap<>();
        StringBuilder inputs = new StringBuilder(origin.lines(Digests.sha256(investigation.toJson())));
        for (Phase<?, ?> phase : phases) {
            boolean done = out.isDone(phase.name(), inputs.toString());
            progress.phase(phase.name(), done);
            long start = System.nanoTime();
            if (done) {
                out.requireWhole(phase.name());
                out.removeJournals(phase.name());
            } else {
                run(phase, inputs.toString(), out, progress);
                seconds.put(phase.name(), (System.nanoTime() - start) / 1e9);
            }
            String outputs = phase.name() + "/" + StudyFolder.OUTPUTS;
            inputs.append(Digests.sha256(out.files().bytes(outputs)))
                    .append("  ")
                    .append(outputs)
                    .append('\n');
            if (phase.name().equals(last)) {
                break;
            }
        }
        if (!seconds.isEmpty()) {
            out.write(CLOCKS, clocks(begin, seconds));
        }
    }

    private static void run(Phase<?, ?> phase, String inputs, StudyFolder out, StudyProgress progress) {
        Map<String, byte[]> files = phase.whole().run(out.files(), new PhaseRun(out.journals(phase.name()), progress));
        out.commit(phase.name(), inputs, files);
    }

    private byte @Nullable [] pairs(Investigation investigation) {
        PromptPlan plan = investigation.prompts();
        String name = plan.source();
        if (name == null) {
            return null;
        }
        if (plan.corpus() != null && again == null) {
            return CorpusPairs.json(pairsFolder.resolve(name), plan, investigation.seed());
        }
        Path file = again == null ? pairsFolder.resolve(name) : again.pairs;
        try (FileInput input = FileInput.open(file, InputErrors.INSTANCE)) {
            return input.readAll(MAX_PAIRS_BYTES);
        }
    }

    /** What is in the folder of a study of something else is kept aside if its plan was locked, else deleted. */
    private void moveOtherAway(
            StudyFolder out,
            byte[] file,
            byte @Nullable [] pairs,
            String digest,
            StudyAutoencoders autoencoders,
            StudyProgress progress) {
        StudyFiles files = out.files();
        if (!files.has(INVESTIGATION)) {
            return;
        }
        boolean same = Arrays.equals(files.bytes(INVESTIGATION), file)
                && (files.has(PAIRS) ? Arrays.equals(files.bytes(PAIRS), pairs) : pairs == null)
                && (!files.has(FormalisePhase.PATH) || isOfThis(files, digest, autoencoders));
        if (same) {
            return;
        }
        if (files.has(DesignPhase.LOCK)) {
            List<String> names = new ArrayList<>(PHASES.reversed());
            PHASES.forEach(phase -> names.add(StudyFolder.JOURNALS + phase));
            names.addAll(List.of(CLOCKS, PAIRS, INVESTIGATION));
            String name = EARLIER + Digests.sha256(files.bytes(INVESTIGATION)).substring(0, DIGITS);
            // The same file may have been studied of another model before.
            List<String> taken = out.earlier(name);
            String kept = IntStream.iterate(1, n -> n + 1)
                    .mapToObj(n -> n == 1 ? name : name + "-" + n)
                    .filter(free -> !taken.contains(free))
                    .findFirst()
                    .orElseThrow();
            out.moveAway(kept, names);
            progress.said(
                    "The folder held a study of another file or model, which is kept in " + folder.resolve(kept) + ".");
        } else {
            PHASES.reversed().forEach(out::remove);
            PHASES.forEach(out::removeJournals);
        }
    }

    private boolean isOfThis(StudyFiles files, String digest, StudyAutoencoders autoencoders) {
        Json hypothesis = files.json(FormalisePhase.PATH);
        return hypothesis.require("model").require("sha256").string().equals(digest)
                && autoencoders.digests().entrySet().stream()
                        .allMatch(entry -> hypothesis.get("saes").flatMap(saes -> saes.get(entry.getKey())).stream()
                                .anyMatch(there -> there.string().equals(entry.getValue())))
                && hypothesis.require("tokenizer").string().equals(model.tokenizer())
                && hypothesis.require("program").string().equals(program);
    }

    private List<EarlierStudy> earlierIn(StudyFolder out) {
        return earlierIn(out.path(), out.earlier(EARLIER));
    }

    private static List<EarlierStudy> earlierIn(Path folder, List<String> names) {
        List<EarlierStudy> studies = new ArrayList<>();
        for (String name : names) {
            StudyFiles files = new StudyFiles(folder.resolve(name));
            if (files.has(INVESTIGATION)) {
                String reached = PHASES.reversed().stream()
                        .filter(phase -> files.has(phase + "/" + StudyFolder.OUTPUTS))
                        .findFirst()
                        .orElse("");
                studies.add(new EarlierStudy(name, Digests.sha256(files.bytes(INVESTIGATION)), reached));
            }
        }
        return studies;
    }

    /**
     * Makes a study again, and compares it with what its folder holds.
     *
     * @param study its folder
     * @param scratch a folder for the second run, which is there and empty
     * @return the first difference; null if every byte is the same
     */
    public @Nullable StudyDifference verify(Path study, Path scratch, StudyProgress progress) {
        StudyFiles files = new StudyFiles(study);
        if (!files.has(INVESTIGATION)) {
            throw new BadInputException(study + " holds no study: there is no " + INVESTIGATION);
        }
        Investigation investigation = Investigation.read(study.resolve(INVESTIGATION));
        List<String> there = PHASES.stream()
                .filter(phase -> files.has(phase + "/" + StudyFolder.OUTPUTS))
                .toList();
        if (there.isEmpty()) {
            throw new BadInputException(study + " holds no finished phase of a study");
        }
        List<String> moved = new ArrayList<>();
        try (StudyFolder out = StudyFolder.open(study)) {
            moved.addAll(out.earlier(EARLIER));
        }
        in(scratch)
                .pairsFrom(filesFrom(files))
                .until(there.getLast())
                .again(earlierIn(study, moved), study.resolve(PAIRS))
                .run(investigation, progress);
        StudyFiles again = new StudyFiles(scratch);
        for (String phase : there) {
            StudyDifference difference = StudyDifference.find(phase, files, again);
            if (difference != null) {
                return difference;
            }
        }
        return null;
    }

    /** The folder that a study took its files from, where that is still known. */
    private Path filesFrom(StudyFiles files) {
        return files.has(CLOCKS)
                ? files.json(CLOCKS)
                        .get(FILES_FROM)
                        .map(from -> Path.of(from.string()))
                        .filter(Files::isDirectory)
                        .orElse(pairsFolder)
                : pairsFolder;
    }

    private byte[] clocks(Instant begin, Map<String, Double> seconds) {
        return JsonText.indented(json -> {
            json.writeStartObject();
            json.writeStringProperty("begin", begin.toString());
            json.writeStringProperty("end", Instant.now().toString());
            json.writeStringProperty("host", host());
            json.writeStringProperty(
                    FILES_FROM, pairsFolder.toAbsolutePath().normalize().toString());
            json.writeNumberProperty("threads", model.model().threads());
            json.writeStringProperty("kernels", model.model().kernels().name());
            json.writeStringProperty("java", Runtime.version().toString());
            json.writeObjectPropertyStart("seconds");
            seconds.forEach(json::writeNumberProperty);
            json.writeEndObject();
            json.writeEndObject();
        });
    }

    private static String host() {
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException e) {
            return "unknown";
        }
    }

    @Override
    public String toString() {
        return "laboratory of " + model.name() + " in " + folder;
    }
}
