using Npgsql;
using QuorumMesh.ServiceDefaults;
using QuorumMesh.TxManager.Storage;
using QuorumMesh.TxManager.Storage.Postgres;
using QuorumMesh.TxManager.Storage.Sqlite;

namespace QuorumMesh.TxManager.Configuration;

/// <summary>
/// Tessera's jdbc section, or our own <c>quorummesh.database</c>: a path of a SQLite file or an Npgsql connection string.
/// </summary>
internal static class DatabaseSetting
{
    private const string SqlitePrefix = "jdbc:sqlite:";
    private const string PostgresPrefix = "jdbc:postgresql:";

    public static Func<StoreProvider> Read(ConfigNode root, string baseDirectory)
    {
        var own = root["quorummesh"]["database"];
        if (own.Exists)
        {
            var value = own.Required();
            return value.Contains('=', StringComparison.Ordinal) ? Postgres(own.Path, value) : Sqlite(value, baseDirectory);
        }

        var url = root["jdbc"]["url"];
        var text = url.Required();
        if (text.StartsWith(SqlitePrefix, StringComparison.OrdinalIgnoreCase))
            return Sqlite(text[SqlitePrefix.Length..].Split('?')[0], baseDirectory);
        if (text.StartsWith(PostgresPrefix, StringComparison.OrdinalIgnoreCase))
            return Postgres(url.Path, FromJdbc(url, text, root["jdbc"]));
        var what = text.StartsWith("jdbc:h2:", StringComparison.OrdinalIgnoreCase)
            ? "H2 is a Java database"
            : $"'{text}' is no database that is known here";
        throw new OptionsException(url.Path, $"{what}; set jdbc:sqlite:/path/tm.db or jdbc:postgresql://host:port/database");
    }

    private static Func<StoreProvider> Sqlite(string path, string baseDirectory)
    {
        var full = Path.GetFullPath(path, baseDirectory);
        return () => new SqliteProvider(full);
    }

    private static Func<StoreProvider> Postgres(string key, string connectionString)
    {
        try
        {
            _ = new NpgsqlConnectionStringBuilder(connectionString);
        }
        catch (ArgumentException e)
        {
            // Npgsql's message may show the string, and the string a password.
            throw new OptionsException(key, "is not a PostgreSQL connection string", e);
        }

        return () => new PostgresProvider(connectionString);
    }

    private static string FromJdbc(ConfigNode url, string text, ConfigNode jdbc)
    {
        var rest = text[PostgresPrefix.Length..];
        var place = rest.StartsWith("//", StringComparison.Ordinal) ? rest : "//localhost/" + rest.TrimStart('/');
        if (!Uri.TryCreate("postgresql:" + place, UriKind.Absolute, out var uri)
            || uri.AbsolutePath.Length < 2)
            throw new OptionsException(url.Path, "must be jdbc:postgresql://host:port/database");
        var settings = new NpgsqlConnectionStringBuilder
        {
            Host = uri.Host,
            Port = uri.Port > 0 ? uri.Port : 5432,
            Database = Uri.UnescapeDataString(uri.AbsolutePath[1..]),
        };
        foreach (var pair in uri.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = pair.Split('=', 2);
            Apply(settings, url.Path, parts[0], Uri.UnescapeDataString(parts.ElementAtOrDefault(1) ?? string.Empty));
        }

        if (jdbc["username"].Text() is { Length: > 0 } user)
            settings.Username = user;
        if (jdbc["password"].Text() is { Length: > 0 } password)
            settings.Password = password;
        return settings.ConnectionString;
    }

    private static void Apply(NpgsqlConnectionStringBuilder settings, string key, string name, string value)
    {
        switch (name)
        {
            case "user":
                settings.Username = value;
                break;
            case "password":
                settings.Password = value;
                break;
            case "sslmode":
                settings.SslMode = Enum.TryParse(value.Replace("-", string.Empty, StringComparison.Ordinal), ignoreCase: true,
                    out SslMode mode)
                    ? mode
                    : throw new OptionsException(key, $"sslmode '{value}' is not known");
                break;
            case "sslrootcert":
                settings.RootCertificate = value;
                break;
            case "currentSchema":
                settings.SearchPath = value;
                break;
            default:
                throw new OptionsException(key,
                    $"parameter '{name}' is not known here; use quorummesh.database with an Npgsql connection string");
        }
    }
}
