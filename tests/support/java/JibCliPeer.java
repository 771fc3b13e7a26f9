import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.cloud.tools.jib.api.Containerizer;
import com.google.cloud.tools.jib.api.ImageReference;
import com.google.cloud.tools.jib.api.Jib;
import com.google.cloud.tools.jib.api.JibContainer;
import com.google.cloud.tools.jib.api.JibContainerBuilder;
import com.google.cloud.tools.jib.api.RegistryImage;
import com.google.cloud.tools.jib.api.TarImage;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Makes the images of pyjib's cases with jib-core, as jib-cli does.
 *
 * <p>Arguments: the version of jib-cli to be; a directory with cases.json, into which images.json
 * is written; a mirror of Docker Hub. Flags are those of jib-cli, a list of values for each.
 */
public final class JibCliPeer {
  private final String version;
  private final Path directory;
  private final String mirror;

  private JibCliPeer(String version, Path directory, String mirror) {
    this.version = version;
    this.directory = directory;
    this.mirror = mirror;
  }

  public static void main(String[] arguments) throws Exception {
    JibCliPeer peer = new JibCliPeer(arguments[0], Path.of(arguments[1]), arguments[2]);
    ObjectMapper json = new ObjectMapper();
    ObjectNode images = json.createObjectNode();
    for (JsonNode found : json.readTree(peer.directory.resolve("cases.json").toFile())) {
      peer.make(new Case(found), images.putObject(found.get("folder").asText()));
    }
    json.writeValue(peer.directory.resolve("images.json").toFile(), images);
    System.exit(0); // jib-core leaves threads behind
  }

  private void make(Case asked, ObjectNode told) throws Exception {
    JibContainerBuilder builder =
        switch (asked.command) {
          case "build" -> new BuildFile(asked).builder();
          case "war" -> ArchiveImage.war(asked, directory.resolve("unpacked"), jetty());
          default -> ArchiveImage.jar(asked, directory.resolve("unpacked"));
        };
    JibContainer made = builder.containerize(target(asked));
    told.put("imageId", made.getImageId().toString());
    told.put("imageDigest", made.getDigest().toString());
  }

  /** Returns what starts Jetty: jib-cli 0.13.0 was the first to know Jetty 12. */
  private List<String> jetty() {
    List<String> command = List.of("java", "-jar", "/usr/local/jetty/start.jar");
    return version.equals("0.12.0") ? command : append(command, "--module=ee10-deploy");
  }

  private static List<String> append(List<String> list, String last) {
    List<String> longer = new ArrayList<>(list);
    longer.add(last);
    return longer;
  }

  private Containerizer target(Case asked) throws Exception {
    String location = asked.one("--target");
    Containerizer target =
        location.startsWith("tar://")
            ? Containerizer.to(
                TarImage.at(Path.of(location.substring(6))).named(asked.one("--name")))
            : Containerizer.to(RegistryImage.named(location));
    asked.list("--additional-tags").forEach(target::withAdditionalTag);
    target.addRegistryMirrors("registry-1.docker.io", List.of(mirror));
    return target
        .setToolName("jib-cli")
        .setToolVersion(version)
        .setAllowInsecureRegistries(asked.has("--allow-insecure-registries"))
        .setBaseImageLayersCache(directory.resolve("base"))
        .setApplicationLayersCache(directory.resolve("application"));
  }

  /** Returns a builder on the base that a location names. */
  static JibContainerBuilder from(String location) throws Exception {
    if (location.startsWith("tar://")) {
      return Jib.from(TarImage.at(Path.of(location.substring(6))));
    }
    String name = location.startsWith("registry://") ? location.substring(11) : location;
    return Jib.from(RegistryImage.named(ImageReference.parse(name)));
  }

  /** What is to be made: a command of jib-cli, the file or folder it is about, its flags. */
  static final class Case {
    final String command;
    final Path file;
    private final JsonNode flags;

    Case(JsonNode found) {
      command = found.get("command").asText();
      file = Path.of(found.get("folder").asText(), found.get("file").asText());
      flags = found.get("options");
    }

    boolean has(String flag) {
      return flags.has(flag);
    }

    String one(String flag) {
      return flags.get(flag).get(0).asText();
    }

    /** Returns all values of a flag, none if it is not given, divided as they come. */
    List<String> all(String flag) {
      List<String> values = new ArrayList<>();
      flags.path(flag).forEach(value -> values.add(value.asText()));
      return values;
    }

    /** Returns all values of a flag, divided at commas. */
    List<String> list(String flag) {
      List<String> values = new ArrayList<>();
      all(flag).forEach(value -> values.addAll(List.of(value.split(","))));
      return values;
    }
  }
}
