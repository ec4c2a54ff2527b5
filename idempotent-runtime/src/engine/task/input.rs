//! The input of a task's run: the address of its handler, and the handler's arguments.

use crate::engine::engine::Engine;
use crate::engine::task::limits::TaskScope;
use crate::error::StoreError;
use crate::key::StorageKey;
use crate::policy::OnAbandoned;
use crate::store::bytes::{
    FieldReader, Undecodable, append_checksum, verify_checksum, write_field, write_number,
};
use crate::store::record::INPUT;
use bytes::Bytes;
use std::time::Duration;

/// The first byte: no record begins with it.
const KIND: u8 = INPUT;
const VERSION: u8 = 4;

const RETRY: u8 = 0;
const HOLD: u8 = 1;

/// The input of a task's run. No credential of the request is part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Input {
    /// The request's, so that the app finds the handler.
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    /// The caller whose share of unfinished tasks it takes.
    pub(crate) scope: TaskScope,
    /// Headers of the request, for guards of routes.
    pub(crate) headers: Vec<(String, Bytes)>,
    /// Whether it may run again when a process died that ran it.
    pub(crate) on_abandoned: OnAbandoned,
    /// The names of the handler's parameters: another version of it may have them in another order.
    pub(crate) parameters: String,
    /// The handler's arguments, one by one.
    pub(crate) arguments: Vec<Bytes>,
}

/// The place of a task's input.
pub(crate) fn place(task: &StorageKey) -> StorageKey {
    task.beside("input")
}

impl Input {
    pub(super) fn encode(&self, place: &StorageKey) -> Bytes {
        let Self { method, target, scope, headers, on_abandoned, parameters, arguments } = self;
        let may = match on_abandoned {
            OnAbandoned::Retry => RETRY,
            OnAbandoned::Hold => HOLD,
        };
        let mut out = vec![KIND, VERSION, may];
        out.extend_from_slice(scope.as_bytes());
        for field in [method.as_bytes(), target.as_bytes(), parameters.as_bytes()] {
            write_field(&mut out, field);
        }
        write_number(&mut out, headers.len() as u64);
        for (name, value) in headers {
            write_field(&mut out, name.as_bytes());
            write_field(&mut out, value);
        }
        for argument in arguments {
            write_field(&mut out, argument);
        }
        append_checksum(place, out)
    }

    fn decode(place: &StorageKey, bytes: &Bytes) -> Result<Self, Undecodable> {
        let mut fields = verify_checksum(place, bytes)?;
        if [fields.u8()?, fields.u8()?] != [KIND, VERSION] {
            return Err(Undecodable);
        }
        let on_abandoned = match fields.u8()? {
            RETRY => OnAbandoned::Retry,
            HOLD => OnAbandoned::Hold,
            _ => return Err(Undecodable),
        };
        let scope = TaskScope::from_bytes(fields.array()?);
        let (method, target) = (text(&mut fields)?, text(&mut fields)?);
        let parameters = text(&mut fields)?;
        let mut headers = Vec::new();
        for _ in 0..fields.number()? {
            headers.push((text(&mut fields)?, fields.field()?));
        }
        let mut arguments = Vec::new();
        while !fields.left().is_empty() {
            arguments.push(fields.field()?);
        }
        Ok(Self { method, target, scope, headers, on_abandoned, parameters, arguments })
    }

    /// Reads a task's input; nothing, if it is gone.
    ///
    /// A reader that runs the task keeps the input alive: at least for `life` from now.
    pub(crate) async fn read(
        engine: &Engine,
        place: &StorageKey,
        life: Duration,
    ) -> Result<Option<Self>, StoreError> {
        let Some(entry) = engine.core().read(place).await? else { return Ok(None) };
        let input = Self::decode(place, &entry.value)
            .map_err(|error| StoreError::corrupt("read", error))?;
        if entry.left < life {
            let same = entry.value.clone();
            engine.core().swap(place, &entry.value, &same, life).await?;
        }
        Ok(Some(input))
    }
}

fn text(fields: &mut FieldReader) -> Result<String, Undecodable> {
    String::from_utf8(fields.field()?.into()).map_err(|_| Undecodable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_comes_back_as_it_was_and_not_under_another_key() {
        let input = Input {
            method: "POST".to_owned(),
            target: "/reports?of=é".to_owned(),
            scope: TaskScope::from_bytes([3; 8]),
            headers: vec![("host".to_owned(), Bytes::from_static(b"a.example"))],
            on_abandoned: OnAbandoned::Hold,
            parameters: "a, b".to_owned(),
            arguments: vec![Bytes::from_static(b"1"), Bytes::new()],
        };
        let place = StorageKey::from_bytes([7; 32]);
        let bytes = input.encode(&place);
        assert_eq!(Input::decode(&place, &bytes), Ok(input));
        assert_eq!(Input::decode(&StorageKey::from_bytes([8; 32]), &bytes), Err(Undecodable));
        for cut in 0..bytes.len() {
            assert_eq!(Input::decode(&place, &bytes.slice(..cut)), Err(Undecodable));
        }
    }
}
