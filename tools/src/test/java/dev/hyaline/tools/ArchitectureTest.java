package dev.hyaline.tools;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideOutsideOfPackages;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.nameMatching;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.core.importer.Location;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.library.dependencies.SliceAssignment;
import com.tngtech.archunit.library.dependencies.SliceIdentifier;
import com.tngtech.archunit.library.dependencies.SliceRule;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The arrows between the modules, tools -> analysis -> instrument -> weights-loader -> engine and instrument -> files
 * <- weights-loader and tools -> explorer -> analysis, and the walls inside the engine.
 *
 * <p>{@code tools} is the one module whose class path holds all the others except {@code benchmarks}, on which nobody
 * can depend unseen since no pom.xml names it. A rule holds for a package that has no classes yet.
 */
@AnalyzeClasses(
        packages = "dev.hyaline",
        importOptions = {DoNotIncludeTests.class, ArchitectureTest.WithoutTestJars.class})
final class ArchitectureTest {
    private static final String KERNEL = "dev.hyaline.engine.internal.kernel..";
    private static final Set<String> EXPORTED = LibraryModule.all().stream()
            .flatMap(module -> module.exportedPackages().stream())
            .collect(Collectors.toUnmodifiableSet());
    private static final String VECTOR_KERNEL = "dev.hyaline.engine.internal.kernel.vector..";

    /** Leaves out the fixtures that the engine's tests share, which come as a jar once it is packaged. */
    static final class WithoutTestJars implements ImportOption {
        @Override
        public boolean includes(Location location) {
            return !location.contains("-tests.jar");
        }
    }

    /** Without this, a class path on which a module went missing would satisfy every rule. */
    @ArchTest
    static void everyModuleIsSeen(JavaClasses classes) {
        assertThat(Stream.of(
                                "engine",
                                "files",
                                "weights",
                                "instrument",
                                "corpora",
                                "datasets",
                                "analysis",
                                "explorer",
                                "tools")
                        .map(module -> "dev.hyaline." + module))
                .allMatch(classes::containPackage);
    }

    @ArchTest
    static final ArchRule ENGINE_DEPENDS_ON_THE_JDK_ALONE = classes()
            .that()
            .resideInAPackage("dev.hyaline.engine..")
            .should()
            .onlyDependOnClassesThat()
            .resideInAnyPackage("dev.hyaline.engine..", "java..", "jdk.incubator.vector..", "com.sun.management")
            .allowEmptyShould(true);

    @ArchTest
    static final ArchRule FILES_KNOWS_ENGINE = arrows("files", "engine");

    @ArchTest
    static final ArchRule WEIGHTS_KNOWS_FILES_AND_ENGINE = arrows("weights", "files", "engine");

    @ArchTest
    static final ArchRule INSTRUMENT_KNOWS_WEIGHTS_FILES_AND_ENGINE =
            arrows("instrument", "weights", "files", "engine");

    /** What instruments a model does not care where it came from. */
    @ArchTest
    static final ArchRule INSTRUMENT_OPENS_MODELS_IN_ONE_PACKAGE = noClasses()
            .that()
            .resideInAPackage("dev.hyaline.instrument..")
            .and()
            .resideOutsideOfPackage("dev.hyaline.instrument.model..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("dev.hyaline.weights..");

    @ArchTest
    static final ArchRule CORPORA_KNOWS_INSTRUMENT_AND_FILES = arrows("corpora", "instrument", "files");

    @ArchTest
    static final ArchRule DATASETS_KNOWS_INSTRUMENT_FILES_AND_ENGINE =
            arrows("datasets", "instrument", "files", "engine");

    @ArchTest
    static final ArchRule ANALYSIS_KNOWS_INSTRUMENT_FILES_AND_ENGINE =
            arrows("analysis", "instrument", "weights", "files", "engine");

    /**
     * Autoencoders and EAP-IG's graphs come as files of PyTorch's too, which the loader of weights reads; pairs of
     * prompts are encoded by its tokenizers.
     */
    @ArchTest
    static final ArchRule ONLY_AUTOENCODERS_GRAPHS_AND_PROMPTS_KNOW_THE_LOADER = noClasses()
            .that()
            .resideInAPackage("dev.hyaline.analysis..")
            .and()
            .resideOutsideOfPackage("dev.hyaline.analysis.sparse.file..")
            .and()
            .doNotHaveFullyQualifiedName("dev.hyaline.analysis.circuit.GraphTensors")
            .and()
            .doNotHaveFullyQualifiedName("dev.hyaline.analysis.prompt.PromptEncoder")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("dev.hyaline.weights..");

    @ArchTest
    static final ArchRule EXPLORER_KNOWS_ANALYSIS_INSTRUMENT_FILES_AND_ENGINE =
            arrows("explorer", "analysis", "instrument", "files", "engine");

    @ArchTest
    static final ArchRule TOOLS_KNOWS_ALL_LIBRARIES =
            arrows("tools", "explorer", "analysis", "datasets", "instrument", "weights", "files", "engine");

    @ArchTest
    static final ArchRule ENGINE_KEEPS_ITS_INTERNALS = internals(
            "engine",
            "dev.hyaline.analysis.circuit..",
            "dev.hyaline.analysis.dictionary..",
            "dev.hyaline.analysis.sparse..",
            "dev.hyaline.analysis.superposition..",
            "dev.hyaline.instrument.capture..",
            "dev.hyaline.instrument.training..",
            "dev.hyaline.instrument.weights..");

    @ArchTest
    static final ArchRule INSTRUMENT_USES_OF_THE_ENGINES_INTERNALS_ONLY_THE_MULTIPLY_ADD = noClasses()
            .that()
            .resideInAPackage("dev.hyaline.instrument..")
            .and()
            .resideOutsideOfPackage("dev.hyaline.instrument.training..")
            .should()
            .dependOnClassesThat(resideInAPackage("dev.hyaline.engine.internal..")
                    .and(DescribedPredicate.not(
                            nameMatching("dev\\.hyaline\\.engine\\.internal\\.kernel\\.(Double)?Fma"))));

    @ArchTest
    static final ArchRule ANALYSIS_AND_TRAINING_USE_OF_THE_ENGINE_ONLY_ITS_KERNELS = noClasses()
            .that()
            .resideInAnyPackage("dev.hyaline.analysis..", "dev.hyaline.instrument.training..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(
                    "dev.hyaline.engine.internal.forward..",
                    "dev.hyaline.engine.internal.device..",
                    "dev.hyaline.engine.internal.kernel.vector..");

    @ArchTest
    static final ArchRule WEIGHTS_KEEPS_ITS_INTERNALS = internals("weights");

    @ArchTest
    static final ArchRule INSTRUMENT_KEEPS_ITS_INTERNALS = internals("instrument");

    @ArchTest
    static final ArchRule ANALYSIS_KEEPS_ITS_INTERNALS = internals("analysis");

    @ArchTest
    static final ArchRule KERNELS_KNOW_NEITHER_MODELS_NOR_HOOKS = noClasses()
            .that()
            .resideInAPackage(KERNEL)
            .should()
            .dependOnClassesThat(resideInAPackage("dev.hyaline.engine.site..")
                    .or(resideInAPackage("dev.hyaline.engine.internal.forward.."))
                    .or(nameMatching("dev\\.hyaline\\.engine\\.(Gpt2|Generator|Sampler)[^.]*")))
            .allowEmptyShould(true);

    /** Whoever else touched a Vector class could not run where the incubator module is missing. */
    @ArchTest
    static final ArchRule ONLY_VECTOR_KERNELS_USE_THE_VECTOR_API = noClasses()
            .that()
            .resideOutsideOfPackage(VECTOR_KERNEL)
            .should()
            .dependOnClassesThat()
            .resideInAPackage("jdk.incubator.vector..");

    /** Else a number has other digits in Persian, and a name another i in Turkish. */
    @ArchTest
    static final ArchRule NOTHING_IS_SPELLED_IN_THE_LOCALES_WAY = noClasses()
            .should()
            .callMethod(String.class, "format", String.class, Object[].class)
            .orShould()
            .callMethod(String.class, "formatted", Object[].class)
            .orShould()
            .callMethod(String.class, "toUpperCase")
            .orShould()
            .callMethod(String.class, "toLowerCase")
            .orShould()
            .callMethod(PrintWriter.class, "printf", String.class, Object[].class)
            .orShould()
            .callMethod(PrintWriter.class, "format", String.class, Object[].class)
            .orShould()
            .callMethod(PrintStream.class, "printf", String.class, Object[].class)
            .orShould()
            .callMethod(PrintStream.class, "format", String.class, Object[].class)
            .orShould()
            .dependOnClassesThat()
            .haveNameMatching("java\\.text\\..*|java\\.util\\.(Formatter|Scanner)");

    @ArchTest
    static final ArchRule EXPORTED_PACKAGES_ARE_FREE_OF_CYCLES = noCycles("exported packages", EXPORTED::contains);

    /** Providers of kernels and of formats know what they choose from; tokenizers are read from a Folder. */
    @ArchTest
    static final ArchRule INTERNAL_PACKAGES_ARE_FREE_OF_CYCLES = noCycles(
                    "internal packages", name -> !EXPORTED.contains(name))
            .ignoreDependency(resideInAPackage(KERNEL), resideInAPackage(VECTOR_KERNEL))
            .ignoreDependency(
                    nameMatching("dev\\.hyaline\\.weights\\.internal\\.ModelFiles"),
                    resideInAPackage("dev.hyaline.weights.internal.(*)"))
            .ignoreDependency(
                    resideInAPackage("dev.hyaline.weights.internal.tokens"),
                    nameMatching("dev\\.hyaline\\.weights\\.internal\\.(Folder|CheckpointErrors)"));

    @ArchTest
    static void noCycleOfClassesIsLargerThanSeven(JavaClasses classes) {
        assertThat(Cycles.of(classes)).allSatisfy(cycle -> assertThat(cycle).hasSizeLessThanOrEqualTo(7));
    }

    @ArchTest
    static final ArchRule NO_TORNADO_OUTSIDE_ITS_MODULE =
            noClasses().should().dependOnClassesThat().resideInAPackage("uk.ac.manchester.tornado..");

    @ArchTest
    static final ArchRule TOOLS_HAS_NO_CYCLE =
            slices().matching("dev.hyaline.tools.(*)..").should().beFreeOfCycles();

    @ArchTest
    static final ArchRule ANALYSIS_PACKAGES_FORM_NO_CYCLES =
            slices().matching("dev.hyaline.analysis.(*)..").should().beFreeOfCycles();

    @ArchTest
    static final ArchRule NAMES_SAY_SOMETHING = noClasses()
            .should()
            .haveNameMatching(".*[.$]([^.$]*(Utils?|Manager|Impl)|Abstract([A-Z][^.$]*)?)")
            .because("a class is named after what it is");

    /** What may be absent is an {@code Optional} when it is returned, and nullable where it is kept or handed on. */
    @ArchTest
    static void optionalIsForReturnValues(JavaClasses classes) {
        assertThat(classes.stream()
                        .flatMap(type -> type.getFields().stream())
                        .filter(field -> isOptional(field.getRawType())))
                .isEmpty();
        assertThat(classes.stream()
                        .flatMap(type -> type.getCodeUnits().stream())
                        .filter(unit -> !unit.getModifiers().contains(JavaModifier.SYNTHETIC))
                        .filter(unit -> unit.getRawParameterTypes().stream().anyMatch(ArchitectureTest::isOptional)))
                .isEmpty();
    }

    private static boolean isOptional(JavaClass type) {
        return type.getBaseComponentType().getName().matches("java\\.util\\.Optional(Int|Long|Double)?");
    }

    /** Within them every type is non-null unless it says otherwise, and the compiler checks it. */
    @ArchTest
    static void everyLibraryIsNullMarked(JavaClasses classes) {
        assertThat(LibraryModule.all()).hasSizeGreaterThan(4).allMatch(LibraryModule::nullMarked);
    }

    /** The module depends on no other of Hyaline's than those named. */
    private static ArchRule arrows(String module, String... known) {
        String[] reachable = Stream.concat(Stream.of(module), Stream.of(known))
                .map(name -> "dev.hyaline." + name + "..")
                .toArray(String[]::new);
        return noClasses()
                .that()
                .resideInAPackage("dev.hyaline." + module + "..")
                .should()
                .dependOnClassesThat(resideInAPackage("dev.hyaline..").and(resideOutsideOfPackages(reachable)))
                .allowEmptyShould(true);
    }

    /** Of the packages that are looked at, none reaches itself through others. */
    private static SliceRule noCycles(String described, Predicate<String> looked) {
        return slices().assignedFrom(new SliceAssignment() {
                    @Override
                    public SliceIdentifier getIdentifierOf(JavaClass type) {
                        String name = type.getPackageName();
                        return looked.test(name) ? SliceIdentifier.of(name) : SliceIdentifier.ignore();
                    }

                    @Override
                    public String getDescription() {
                        return described;
                    }
                })
                .should()
                .beFreeOfCycles();
    }

    /** Nobody else outside the module uses its {@code internal} packages; benchmarks are not looked at here. */
    private static ArchRule internals(String module, String... allowed) {
        return noClasses()
                .that()
                .resideOutsideOfPackages(Stream.concat(
                                Stream.of("dev.hyaline." + module + "..", "dev.hyaline.benchmarks.."),
                                Stream.of(allowed))
                        .toArray(String[]::new))
                .should()
                .dependOnClassesThat()
                .resideInAPackage("dev.hyaline." + module + "..internal..");
    }
}
