package alluvium.spark;

import static org.assertj.core.api.Assertions.assertThat;

import alluvium.tables.Field;
import alluvium.tables.Table;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.sql.Timestamp;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Test;

class DigestTest {
  private static final Field ID = Field.required("id", Field.STRING, "key");
  private static final Field COUNT = Field.optional("count", Field.INT, "a number");
  private static final Field BIG = Field.optional("big", Field.LONG, "a number");
  private static final Field VALUE = Field.optional("value", Field.DOUBLE, "a number");
  private static final Field SMALL = Field.optional("small", Field.FLOAT, "a number");
  private static final Field FLAG = Field.optional("flag", Field.BOOLEAN, "a flag");
  private static final Field TOKENS = Field.optional("tokens", Field.array(Field.INT), "numbers");
  private static final Field FILES = Field.optional("files", Field.map(Field.STRING), "texts by name");
  private static final Field MILLIS = Field.optional("millis", Field.LONG, "a clock");
  private static final Field AT = Field.optional("at", Field.TIMESTAMP, "a clock");
  private static final Table TABLE = Table.of("things", "One thing", ID, COUNT, BIG, VALUE, SMALL, FLAG, TOKENS, FILES,
      MILLIS, AT).digestedWithout(MILLIS);

  @Test
  void hashOfOneRowByHand() throws Exception {
    Table one = Table.of("one", "One number", Field.required("n", Field.INT, "a number"));
    byte[] tagged = {'i', 0, 0, 1, 2};   // 258 = 0x0102
    byte[] hash = MessageDigest.getInstance("SHA-256").digest(tagged);
    ByteBuffer halves = ByteBuffer.wrap(hash);
    Digest digest = new Digest(1, halves.getLong(), halves.getLong());
    Row row = one.row(Map.of(one.fields().get(0), 258));
    assertThat(Digest.of(List.of(row), one)).isEqualTo(digest);
    assertThat(Digest.of(List.of(row, row), one)).isEqualTo(new Digest(2, 2 * digest.high(), 2 * digest.low()));
    assertThat(new Digest(3, 10, -1).text()).isEqualTo("3-000000000000000affffffffffffffff");
  }

  @Test
  void orderPartitionsAndPlaceDoNotCount() {
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      rows.add(row(Map.of(ID, "r" + i, COUNT, i, VALUE, Math.sqrt(i), TOKENS, List.of(i, i + 1))));
    }
    rows.add(row(Map.of(ID, "odd", VALUE, Double.NaN, SMALL, -0.0f, FILES, Map.of("a", "1", "b", "2"))));
    Digest expected = Digest.of(rows, TABLE);
    Collections.shuffle(rows, new Random(1));
    Dataset<Row> data = TestSession.spark().createDataFrame(rows, TABLE.schema());
    assertThat(expected.rows()).isEqualTo(51);
    assertThat(Digest.of(rows, TABLE)).isEqualTo(expected);
    assertThat(Digest.of(data.repartition(1), TABLE)).isEqualTo(expected);
    assertThat(Digest.of(data.repartition(7), TABLE)).isEqualTo(expected);
    assertThat(Digest.of(data.select("at", "files", "tokens", "millis", "flag", "small", "value", "big", "count", "id"),
        TABLE)).isEqualTo(expected);
    assertThat(Digest.of(data.limit(0), TABLE)).isEqualTo(Digest.EMPTY);
  }

  @Test
  void everyValueCounts() {
    Map<Field, Object> base = Map.of(ID, "a", COUNT, 1, BIG, 1L, VALUE, 1.0, SMALL, 1f, FLAG, true,
        TOKENS, List.of(1, 2), FILES, Map.of("a", "b"));
    List<Row> variants = new ArrayList<>(List.of(row(base), row(Map.of(ID, "a")), row(with(base, ID, "b")),
        row(with(base, COUNT, 2)), row(with(base, BIG, 2L)), row(with(base, VALUE, Math.nextUp(1.0))),
        row(with(base, SMALL, Math.nextUp(1f))), row(with(base, FLAG, false)), row(with(base, TOKENS, List.of(2, 1))),
        row(with(base, TOKENS, List.of())), row(with(base, FILES, Map.of("b", "a"))), row(with(base, FILES, Map.of())),
        row(with(base, VALUE, 0.0)), row(with(base, VALUE, -0.0)), row(with(base, VALUE, Double.NaN))));
    Set<Digest> digests = new HashSet<>();
    variants.forEach(row -> digests.add(Digest.of(List.of(row), TABLE)));
    assertThat(digests).hasSize(variants.size());
    Digest whole = Digest.of(variants, TABLE);
    variants.add(variants.get(0));
    variants.add(variants.get(0));
    assertThat(Digest.of(variants, TABLE)).isNotEqualTo(whole);
  }

  @Test
  void valuesDoNotMoveBetweenColumnsOrRows() {
    Digest pairs = Digest.of(List.of(row(Map.of(ID, "a", COUNT, 1)), row(Map.of(ID, "b", COUNT, 2))), TABLE);
    Digest swapped = Digest.of(List.of(row(Map.of(ID, "a", COUNT, 2)), row(Map.of(ID, "b", COUNT, 1))), TABLE);
    assertThat(pairs).isNotEqualTo(swapped);
    assertThat(Digest.of(List.of(row(Map.of(ID, "a", BIG, 1L))), TABLE))
        .isNotEqualTo(Digest.of(List.of(row(Map.of(ID, "a", COUNT, 1))), TABLE));
  }

  @Test
  void clocksOrderOfKeysAndKindOfNotANumberDoNotCount() {
    Map<String, String> forward = new LinkedHashMap<>();
    Map<String, String> backward = new LinkedHashMap<>();
    for (int i = 0; i < 9; i++) {
      forward.put("k" + i, "v" + i);
      backward.put("k" + (8 - i), "v" + (8 - i));
    }
    Digest first = Digest.of(List.of(row(Map.of(ID, "a", FILES, forward, MILLIS, 5L, AT, new Timestamp(1),
        VALUE, Double.NaN))), TABLE);
    Digest second = Digest.of(List.of(row(Map.of(ID, "a", FILES, backward, MILLIS, 6L, AT, new Timestamp(2),
        VALUE, Double.longBitsToDouble(0x7ff8000000000001L)))), TABLE);
    assertThat(second).isEqualTo(first);
  }

  private static Row row(Map<Field, ?> values) {
    return TABLE.row(values);
  }

  private static Map<Field, Object> with(Map<Field, Object> base, Field field, Object value) {
    Map<Field, Object> changed = new HashMap<>(base);
    changed.put(field, value);
    return changed;
  }
}
