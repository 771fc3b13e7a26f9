import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.google.cloud.tools.jib.api.Jib;
import com.google.cloud.tools.jib.api.JibContainerBuilder;
import com.google.cloud.tools.jib.api.Ports;
import com.google.cloud.tools.jib.api.buildplan.AbsoluteUnixPath;
import com.google.cloud.tools.jib.api.buildplan.FileEntriesLayer;
import com.google.cloud.tools.jib.api.buildplan.FilePermissions;
import com.google.cloud.tools.jib.api.buildplan.ImageFormat;
import com.google.cloud.tools.jib.api.buildplan.Platform;
import java.io.IOException;
import java.io.Reader;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.apache.commons.text.StringSubstitutor;
import org.apache.commons.text.io.StringSubstitutorReader;

/** What jib-cli makes of a build file. */
final class BuildFile {
  private final Path context;
  private final JsonNode root;

  BuildFile(JibCliPeer.Case asked) throws IOException {
    context = Path.of(asked.one("--context"));
    Map<String, String> parameters = new HashMap<>();
    for (String text : asked.all("--parameter")) {
      parameters.put(text.substring(0, text.indexOf('=')), text.substring(text.indexOf('=') + 1));
    }
    StringSubstitutor substitutor =
        new StringSubstitutor(parameters).setEnableUndefinedVariableException(true);
    try (Reader text =
        new StringSubstitutorReader(
            Files.newBufferedReader(Path.of(asked.one("--build-file"))), substitutor)) {
      JsonParser parser = new YAMLFactory().createParser(text);
      parser.nextToken();
      root = tree(parser);
    }
  }

  /** Reads a value whose scalars are texts, as they are written. */
  private static JsonNode tree(JsonParser parser) throws IOException {
    JsonNodeFactory make = JsonNodeFactory.instance;
    switch (parser.currentToken()) {
      case START_OBJECT:
        ObjectNode object = make.objectNode();
        while (parser.nextToken() != JsonToken.END_OBJECT) {
          String name = parser.getCurrentName();
          parser.nextToken();
          object.set(name, tree(parser));
        }
        return object;
      case START_ARRAY:
        ArrayNode array = make.arrayNode();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
          array.add(tree(parser));
        }
        return array;
      case VALUE_NULL:
        return make.nullNode();
      default:
        return make.textNode(parser.getText());
    }
  }

  JibContainerBuilder builder() throws Exception {
    JibContainerBuilder builder =
        root.has("from")
            ? JibCliPeer.from(root.get("from").get("image").asText())
            : Jib.fromScratch();
    Set<Platform> platforms = new LinkedHashSet<>();
    for (JsonNode each : root.path("from").path("platforms")) {
      platforms.add(new Platform(each.get("architecture").asText(), each.get("os").asText()));
    }
    if (!platforms.isEmpty()) {
      builder.setPlatforms(platforms);
    }
    builder.setEnvironment(pairs("environment"));
    builder.setLabels(pairs("labels"));
    builder.setExposedPorts(Ports.parse(texts(root, "exposedPorts")));
    texts(root, "volumes").forEach(path -> builder.addVolume(AbsoluteUnixPath.get(path)));
    if (root.hasNonNull("user")) {
      builder.setUser(root.get("user").asText());
    }
    if (root.has("workingDirectory")) {
      builder.setWorkingDirectory(AbsoluteUnixPath.get(root.get("workingDirectory").asText()));
    }
    if (root.has("creationTime")) {
      builder.setCreationTime(ArchiveImage.instant(root.get("creationTime").asText()));
    }
    if (root.has("format")) {
      builder.setFormat(ImageFormat.valueOf(root.get("format").asText()));
    }
    if (root.has("entrypoint")) {
      builder.setEntrypoint(texts(root, "entrypoint"));
    }
    if (root.has("cmd")) {
      builder.setProgramArguments(texts(root, "cmd"));
    }
    return builder.setFileEntriesLayers(layers(root.path("layers")));
  }

  private List<FileEntriesLayer> layers(JsonNode all) throws IOException {
    List<FileEntriesLayer> layers = new ArrayList<>();
    for (JsonNode layer : all.path("entries")) {
      FileEntriesLayer.Builder builder =
          FileEntriesLayer.builder().setName(layer.get("name").asText());
      for (JsonNode copy : layer.get("files")) {
        new Copy(copy, List.of(copy, layer, all), builder).add();
      }
      layers.add(builder.build());
    }
    return layers;
  }

  private Map<String, String> pairs(String name) {
    Map<String, String> found = new LinkedHashMap<>();
    root.path(name)
        .fields()
        .forEachRemaining(each -> found.put(each.getKey(), each.getValue().asText()));
    return found;
  }

  private static List<String> texts(JsonNode parent, String name) {
    List<String> values = new ArrayList<>();
    parent.path(name).forEach(each -> values.add(each.asText()));
    return values;
  }

  /** One element of files; what is said nearest to it counts. */
  private final class Copy {
    private final JsonNode copy;
    private final List<JsonNode> levels;
    private final FileEntriesLayer.Builder layer;
    private final Path source;
    private final AbsoluteUnixPath target;

    Copy(JsonNode copy, List<JsonNode> levels, FileEntriesLayer.Builder layer) {
      this.copy = copy;
      this.levels = levels;
      this.layer = layer;
      source = context.resolve(copy.get("src").asText());
      target = AbsoluteUnixPath.get(copy.get("dest").asText());
    }

    void add() throws IOException {
      if (Files.isRegularFile(source)) {
        boolean inside = copy.get("dest").asText().endsWith("/");
        put(source, inside ? target.resolve(source.getFileName()) : target);
        return;
      }
      Set<Path> there = new HashSet<>();
      try (Stream<Path> found = Files.walk(source)) {
        for (Path path : (Iterable<Path>) found.filter(this::isKept)::iterator) {
          for (Path parent = path; Files.isRegularFile(path) && !parent.equals(source); ) {
            parent = parent.getParent();
            if (!there.add(parent)) {
              break;
            }
            put(parent, target.resolve(source.relativize(parent)));
          }
          there.add(path);
          put(path, target.resolve(source.relativize(path)));
        }
      }
    }

    private boolean isKept(Path path) {
      List<String> includes = texts(copy, "includes");
      return texts(copy, "excludes").stream().noneMatch(glob -> glob(glob).matches(path))
          && (includes.isEmpty() || includes.stream().anyMatch(glob -> glob(glob).matches(path)));
    }

    private PathMatcher glob(String text) {
      String whole = text.endsWith("/") ? text + "**" : text;
      return FileSystems.getDefault().getPathMatcher("glob:" + whole);
    }

    private void put(Path file, AbsoluteUnixPath place) {
      boolean directory = Files.isDirectory(file);
      String mode =
          directory ? said("directoryPermissions", "755") : said("filePermissions", "644");
      String time = said("timestamp", "1000");
      String group = said("group", null);
      String owner = said("user", "") + (group == null ? "" : ":" + group);
      Instant instant = ArchiveImage.instant(time);
      layer.addEntry(file, place, FilePermissions.fromOctalString(mode), instant, owner);
    }

    private String said(String name, String otherwise) {
      for (JsonNode level : levels) {
        if (level.path("properties").has(name)) {
          return level.get("properties").get(name).asText();
        }
      }
      return otherwise;
    }
  }
}
