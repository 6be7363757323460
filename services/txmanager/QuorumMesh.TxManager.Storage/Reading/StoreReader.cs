using System.Data;
using System.Data.Common;
using System.Globalization;
using Microsoft.EntityFrameworkCore;
using QuorumMesh.TxManager.Core;
using QuorumMesh.TxManager.Storage.Model;

namespace QuorumMesh.TxManager.Storage.Reading;

/// <summary>Runs queries on pooled connections and gives their rows as they stand.</summary>
internal sealed class StoreReader(StoreProvider provider)
{
    /// <param name="query">It bounds its rows itself.</param>
    /// <exception cref="PrivacyException"><see cref="Failure.StoreUnavailable"/>.</exception>
    public async Task<List<object?[]>> ListAsync(Func<PayloadContext, IQueryable> query, CancellationToken cancel)
    {
        try
        {
            using var db = provider.CreateReader();
            await db.Database.OpenConnectionAsync(cancel).ConfigureAwait(false);
            using var command = query(db).CreateDbCommand();
            return await ReadAsync(command, cancel).ConfigureAwait(false);
        }
        catch (DbException e)
        {
            throw Unavailable(e);
        }
    }

    /// <summary>
    /// Without EF: for what the node asks with every payload and every commit, where EF's way from query to statement would be most of the
    /// time, and for what every start asks, which would load EF for it. docs/performance.md has the figures.
    /// </summary>
    /// <param name="sql">With parameters @p0, @p1 …; it bounds its rows itself.</param>
    /// <exception cref="PrivacyException"><see cref="Failure.StoreUnavailable"/>.</exception>
    public async Task<List<object?[]>> ListAsync(string sql, CancellationToken cancel, params object[] values)
    {
        try
        {
            using var connection = provider.CreateConnection();
            await connection.OpenAsync(cancel).ConfigureAwait(false);
            using var command = Command(connection, sql, values);
            return await ReadAsync(command, cancel).ConfigureAwait(false);
        }
        catch (DbException e)
        {
            throw Unavailable(e);
        }
    }

    /// <summary>
    /// One row whose length is asked for before it is read: column by column, so that the driver does not hold it either.
    /// </summary>
    /// <param name="sql">With the parameter @p0; its first column is the length.</param>
    /// <param name="found">Called with the length; what it throws ends the look-up.</param>
    /// <returns>The other columns; null without a row.</returns>
    /// <exception cref="PrivacyException"><see cref="Failure.StoreUnavailable"/>.</exception>
    public async Task<object?[]?> MeasuredAsync(string sql, object key, Action<long>? found, CancellationToken cancel)
    {
        try
        {
            using var connection = provider.CreateConnection();
            await connection.OpenAsync(cancel).ConfigureAwait(false);
            using var command = Command(connection, sql, key);
            using var reader = await command.ExecuteReaderAsync(CommandBehavior.SequentialAccess, cancel).ConfigureAwait(false);
            if (!await reader.ReadAsync(cancel).ConfigureAwait(false))
                return null;
            if (!await reader.IsDBNullAsync(0, cancel).ConfigureAwait(false))
                found?.Invoke(Convert.ToInt64(reader.GetValue(0), CultureInfo.InvariantCulture));
            return StoredRows.Read(reader, 1);
        }
        catch (DbException e)
        {
            throw Unavailable(e);
        }
    }

    /// <inheritdoc cref="ListAsync(string, CancellationToken, object[])"/>
    public async Task<object?[]?> FirstAsync(string sql, CancellationToken cancel, params object[] values) =>
        (await ListAsync(sql, cancel, values).ConfigureAwait(false)).FirstOrDefault();

    public PrivacyException Unavailable(Exception e) =>
        new(Failure.StoreUnavailable, $"The payload store ({provider.Description}) is not available: {e.GetBaseException().Message}", e);

    private static DbCommand Command(DbConnection connection, string sql, params object[] values)
    {
        var command = connection.CreateCommand();
        command.CommandText = sql;
        for (var i = 0; i < values.Length; i++)
        {
            var parameter = command.CreateParameter();
            parameter.ParameterName = $"@p{i}";
            parameter.Value = values[i];
            command.Parameters.Add(parameter);
        }

        return command;
    }

    private static async Task<List<object?[]>> ReadAsync(DbCommand command, CancellationToken cancel)
    {
        using var reader = await command.ExecuteReaderAsync(cancel).ConfigureAwait(false);
        var found = new List<object?[]>();
        while (await reader.ReadAsync(cancel).ConfigureAwait(false))
            found.Add(StoredRows.Read(reader));
        return found;
    }
}
