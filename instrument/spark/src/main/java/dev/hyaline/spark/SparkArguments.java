package dev.hyaline.spark;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.weights.ModelSource;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The arguments of {@link SparkDump}.
 *
 * @param out where the dump is to be
 * @param verify whether every shard is read again in the end
 * @param request the options of {@code hyaline dump} that say what is to be written; empty if the plan is there. Names
 *     of local files in it are absolute, because an executor runs in a folder of its own
 */
record SparkArguments(String out, boolean verify, List<String> request) {
    static final String USAGE = "expected --out FOLDER, the options of hyaline dump by which it is planned unless the"
            + " folder holds a plan already, and --verify to read every shard in the end";

    SparkArguments {
        request = List.copyOf(request);
    }

    /** @throws BadInputException if there is no folder, or a step is asked for that Spark is to decide on */
    static SparkArguments parse(String... arguments) {
        String out = "";
        boolean verify = false;
        List<String> request = new ArrayList<>();
        for (int i = 0; i < arguments.length; i++) {
            String argument = arguments[i];
            String name = argument.split("=", 2)[0];
            switch (name) {
                case "-o", "--out" -> {
                    if (!argument.equals(name)) {
                        out = argument.substring(name.length() + 1);
                    } else if (i + 1 < arguments.length) {
                        out = arguments[++i];
                    }
                }
                case "--verify" -> verify = true;
                case "--plan", "--part", "--finish", "--dry-run", "--resume", "--force", "--json" ->
                    throw new BadInputException(name + " is for hyaline dump alone; " + USAGE);
                case "--prompts", "-m", "--model", "--sae" -> {
                    boolean joined = !argument.equals(name);
                    if (!joined && i + 1 == arguments.length) {
                        request.add(argument); // the command says that its value is missing
                        break;
                    }
                    String value = joined ? argument.substring(name.length() + 1) : arguments[++i];
                    request.add(name);
                    request.add(
                            switch (name) {
                                case "--prompts" -> file(value);
                                case "--sae" -> Files.exists(Path.of(value)) ? file(value) : value; // or on the hub
                                default -> model(value);
                            });
                }
                default -> request.add(argument);
            }
        }
        if (out.isEmpty()) {
            throw new BadInputException("where is the dump to be? " + USAGE);
        }
        return new SparkArguments(out, verify, request);
    }

    private static String file(String name) {
        return name.isEmpty() || name.equals("-") || Stores.isHadoops(name)
                ? name
                : Path.of(name).toAbsolutePath().normalize().toString();
    }

    private static String model(String name) {
        return !name.isEmpty()
                        && ModelSource.of(name) instanceof ModelSource.OnDisk onDisk
                        && Files.exists(onDisk.path())
                ? onDisk.path().toAbsolutePath().normalize().toString()
                : name;
    }
}
