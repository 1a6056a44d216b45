//! The Resource and NotResource elements.

use super::fields::{Fields, Form};
use super::{Fault, Rules, read_values};
use crate::document::{DocumentKind, ResourceClause};
use crate::error::PolicyErrorKind;
use crate::partition::Partition;
use crate::template::{Template, Wildcards};

pub(super) fn read(fields: &Fields<'_>, rules: Rules) -> Result<Option<ResourceClause>, Fault> {
    if rules.kind == DocumentKind::Trust {
        return match ["Resource", "NotResource"]
            .into_iter()
            .find_map(|name| fields.find_member(name).zip(Some(name)))
        {
            None => Ok(None),
            Some((member, element)) => {
                let kind = PolicyErrorKind::ProhibitedElement {
                    element,
                    document: rules.kind,
                };
                Err(Fault::new(member.position, kind))
            }
        };
    }
    let missing = PolicyErrorKind::MissingElement {
        element: "Resource",
    };
    let check = |resource: &str| check_resource(resource, rules);
    let clause = match fields.find_form("Resource", "NotResource")? {
        None => return Err(Fault::new(fields.node.position, missing)),
        Some(Form::Plain(node)) => ResourceClause::Resource(read_values(node, "Resource", check)?),
        Some(Form::Not(node)) => {
            ResourceClause::NotResource(read_values(node, "NotResource", check)?)
        }
    };
    if clause.values().is_empty() {
        return Err(Fault::new(fields.node.position, missing));
    }
    Ok(Some(clause))
}

fn check_resource(resource: &str, rules: Rules) -> Result<(), PolicyErrorKind> {
    if resource == "*" {
        return Ok(());
    }
    let value = resource.to_owned();
    if !resource.starts_with("arn:") {
        return Err(PolicyErrorKind::ResourceForm { value });
    }
    let template = Template::read(resource, rules.version, Wildcards::Active).map_err(|error| {
        PolicyErrorKind::Variable {
            value: value.clone(),
            problem: error.to_string(),
        }
    })?;
    let Some([_, partition, service, ..]) = template.split_arn() else {
        let parts = resource.split(':').count();
        return Err(PolicyErrorKind::ResourceParts { value, parts });
    };
    match partition.as_literal() {
        Some(partition) if partition.parse::<Partition>().is_err() => {
            return Err(PolicyErrorKind::ResourcePartition { value, partition });
        }
        _ => {}
    }
    match service.as_literal() {
        Some(service) if !service.is_empty() => Ok(()),
        _ => Err(PolicyErrorKind::ResourceService { value }),
    }
}
